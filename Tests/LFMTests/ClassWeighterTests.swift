import CPUEngine
import ErrataCore
import Foundation
import LFM
import SearchTesting
import TensorEngine
import Testing

@Suite("Class weighters")
struct ClassWeighterTests {
    /// The cross-entropies of three images, of classes 0, 0 and 2 of four.
    private static let losses = [1.0, 3.0, 5.0]
    private let backend: CPUBackend
    private let performance: ClassPerformance
    private var estimates = ClassEstimates(classes: 4)

    init() throws {
        backend = try CPUBackend(threads: 1)
        performance = try Self.performance(on: backend)
        estimates.update([0, 0.5, 0, 0], counts: [0, 2, 0, 0], momentum: 0.9)
    }

    private static func performance(
        on backend: CPUBackend, trainingCounts: [Int] = [30, 20, 10, 5],
        over communicator: any Communicator = Alone()
    ) throws -> ClassPerformance {
        let labels: [Int32] = [0, 0, 2]
        // Of each image the true class has the logit 0, all others one and the same.
        let logits = zip(labels, losses).flatMap { label, loss -> [Double] in
            let others = log((exp(loss) - 1) / 3)
            return (0..<4).map { $0 == Int(label) ? 0 : others }
        }
        return try ClassPerformance(
            logits: backend.tensor(logits, [3, 4]).variable, labels: backend.tensor(labels, [3]),
            trainingCounts: trainingCounts, over: communicator)
    }

    private func expect(_ weighter: any ClassWeighter, _ expected: [Double]) throws {
        let found = try weighter.weights(performance, estimates: estimates).doubles()
        #expect(
            found.count == expected.count && zip(found, expected).allSatisfy { abs($0 - $1) < 1e-12 },
            "\(found), expected \(expected)")
    }

    @Test(arguments: [
        (AbsentClasses.runningEstimate, [2.0, 0.5, 5.0, 3.5]), (.zero, [2, 0, 5, 0]),
        (.mean, [2, 3.5, 5, 3.5]),
    ])
    func absentClasses(_ rule: AbsentClasses, expected: [Double]) throws {
        try expect(ValidationLossWeighter(absentClasses: rule), expected)
        var focal = FocalWeighter()
        (focal.gamma, focal.absentClasses) = (0, rule)
        try expect(focal, expected)
        var error = ValidationErrorWeighter()
        error.absentClasses = rule
        // Of two images of class 0 the one whose true class has the largest logit is right.
        let known = rule == .runningEstimate ? 0.5 : expected[1] == 0 ? 0 : 0.75
        try expect(error, [0.5, known, 1, expected[3] == 0 ? 0 : 0.75])
    }

    @Test(
        "For an absent class a running mean is a constant, the others' mean is differentiated",
        arguments: [
            (AbsentClasses.runningEstimate, [250.5, 250.5, 600]), (.zero, [0.5, 0.5, 100]),
            (.mean, [253, 253, 605]),
        ])
    func substitutes(_ rule: AbsentClasses, expected: [Double]) throws {
        let weights = try ValidationLossWeighter(absentClasses: rule).weights(
            performance, estimates: estimates)
        let slopes = try gradients(
            of: [weights], withRespectTo: [performance.crossEntropies],
            cotangents: [backend.tensor([1.0, 10, 100, 1000], [4])])
        #expect(try slopes[0].doubles() == expected)
    }

    @Test func uniform() throws { try expect(UniformWeighter(), [1, 1, 1, 1]) }

    @Test("The focal loss is (1 − p)^γ·(−log p)", arguments: [0.5, 2])
    func focal(_ gamma: Double) throws {
        let focal = Self.losses.map { pow(1 - exp(-$0), gamma) * $0 }
        var weighter = FocalWeighter()
        (weighter.gamma, weighter.absentClasses) = (gamma, .zero)
        try expect(weighter, [(focal[0] + focal[1]) / 2, 0, focal[2], 0])
        #expect(FocalWeighter().gamma == 2 && weighter.isDifferentiable)
        // Where p is 1 the loss and its gradient are 0, not undefined.
        let sure = try ClassPerformance(
            logits: backend.tensor([200.0, 0], [1, 2]).variable, labels: backend.tensor([0] as [Int32], [1]),
            trainingCounts: [1, 1])
        let weights = try weighter.weights(sure, estimates: ClassEstimates(classes: 2))
        #expect(try weights.doubles() == [0, 0])
        #expect(
            try gradients(of: weights.sum(), withRespectTo: [sure.logits])[0].doubles().allSatisfy {
                $0 == 0
            })
    }

    @Test("The validation error is not differentiated")
    func error() throws {
        let weighter = ValidationErrorWeighter()
        #expect(!weighter.isDifferentiable)
        #expect(try !weighter.weights(performance, estimates: estimates).isDifferentiable)
    }

    @Test("A softmax with its temperature")
    func softmax() throws {
        var weighter = SoftmaxWeighter()
        #expect(weighter.isDifferentiable)
        let losses = [2.0, 0.5, 5, 3.5]
        func expected(_ temperature: Double) -> [Double] {
            let exponentials = losses.map { exp($0 / temperature) }
            return exponentials.map { $0 / exponentials.reduce(0, +) }
        }
        try expect(weighter, expected(1).map { 4 * $0 })
        (weighter.temperature, weighter.normalization) = (3, .none)
        try expect(weighter, expected(3))
        weighter.base = .init("focal", FocalWeighter())
        #expect(
            try weighter.weights(performance, estimates: estimates).doubles()
                .elementsEqual(expected(3)) == false)
        weighter.base = .init("validation-error", ValidationErrorWeighter())
        #expect(!weighter.isDifferentiable)
    }

    @Test("Weights over effective numbers, which add up to the number of classes")
    func classBalanced() throws {
        var weighter = ClassBalancedWeighter()
        weighter.beta = 0.9
        let inverses = [30.0, 20, 10, 5].map { 0.1 / (1 - pow(0.9, $0)) }
        let factors = inverses.map { 4 * $0 / inverses.reduce(0, +) }
        try expect(weighter, zip([2, 0.5, 5, 3.5], factors).map(*))
        weighter.base = .init("focal", FocalWeighter())
        try expect(
            weighter,
            zip(FocalWeighter().weights(performance, estimates: estimates).doubles(), factors).map(*))
        weighter.beta = 0
        try expect(weighter, FocalWeighter().weights(performance, estimates: estimates).doubles())
        // At β near 1 by the inverse of the count; of a class without images nothing.
        (weighter.beta, weighter.base) = (0.9999999, .init("validation-loss", ValidationLossWeighter()))
        let uneven = try Self.performance(on: backend, trainingCounts: [5000, 500, 0, 500])
        let weights = try weighter.weights(uneven, estimates: estimates).doubles()
        let inverse = [0.1, 1, 0, 1].map { 3 * $0 / 2.1 }
        #expect(
            zip(weights, zip(inverse, [2, 0.5, 5, 3.5]).map(*)).allSatisfy { abs($0 - $1) < 1e-2 },
            "\(weights)")
    }

    @Test("Weights divided by their mean, all of them 0 too")
    func normalization() throws {
        let losses = [2.0, 0.5, 5, 3.5]
        try expect(ValidationLossWeighter(normalization: .mean), losses.map { $0 / 2.75 })
        var focal = FocalWeighter()
        (focal.gamma, focal.normalization) = (0, .mean)
        try expect(focal, losses.map { $0 / 2.75 })
        var balanced = ClassBalancedWeighter()
        (balanced.beta, balanced.normalization) = (0, .mean)
        try expect(balanced, losses.map { $0 / 2.75 })
        var error = ValidationErrorWeighter()
        error.normalization = .mean
        try expect(error, [0.5, 0.5, 1, 0.75].map { $0 / 0.6875 })
        let right = try ClassPerformance(
            logits: backend.tensor([9.0, 0], [1, 2]), labels: backend.tensor([0] as [Int32], [1]),
            trainingCounts: [1, 1])
        #expect(
            try error.weights(right, estimates: ClassEstimates(classes: 2)).doubles() == [0, 0])
    }

    @Test("The true weights, each for a wrong class, the same one throughout")
    func permuted() throws {
        var weighter = PermutedWeighter()
        let losses = try ValidationLossWeighter().weights(performance, estimates: estimates).doubles()
        /// Whose weight each class has.
        func order(_ seed: Int) throws -> [Int] {
            weighter.seed = seed
            return try weighter.weights(performance, estimates: estimates).doubles().map {
                try #require(losses.firstIndex(of: $0))
            }
        }
        var seen = Set<[Int]>()
        for seed in 0..<200 {
            let order = try order(seed)
            #expect(order.sorted() == [0, 1, 2, 3])
            #expect(!order.enumerated().contains { $0 == $1 })
            seen.insert(order)
        }
        #expect(seen.count == 6, "every cycle of four")
        let first = try order(7)
        weighter.base = .init("focal", FocalWeighter())
        let focal = try FocalWeighter().weights(performance, estimates: estimates).doubles()
        try expect(weighter, first.map { focal[$0] })
        weighter.base = .init("validation-error", ValidationErrorWeighter())
        #expect(!weighter.isDifferentiable)
        let one = try ClassPerformance(
            logits: backend.tensor([9.0], [1, 1]), labels: backend.tensor([0] as [Int32], [1]),
            trainingCounts: [1])
        #expect(throws: SettingError.self) {
            try PermutedWeighter().weights(one, estimates: ClassEstimates(classes: 1))
        }
    }

    @Test("Each weighter has settings that these tests name, and can be chosen")
    func settings() throws {
        func keys<C: Configuration>(_ type: C.Type) -> Set<String> { Set(type.fields.map(\.key)) }
        let shared: Set = ["absent_classes", "normalize"]
        #expect(keys(ValidationLossWeighter.self) == shared)
        #expect(keys(ValidationErrorWeighter.self) == shared)
        #expect(keys(FocalWeighter.self) == shared.union(["gamma"]))
        #expect(keys(SoftmaxWeighter.self) == ["of", "temperature", "normalize"])
        #expect(keys(ClassBalancedWeighter.self) == ["of", "beta", "normalize"])
        #expect(keys(PermutedWeighter.self) == ["of", "seed"])
        let registry = try PluginRegistry([LFMPlugin()])
        let chosen = try registry.weighters.resolve(
            ComponentSelection(
                "class-balanced",
                settings: .mapping([
                    .init("beta", .literal("0.5")),
                    .init("of", .mapping([.init("name", .string("focal")), .init("gamma", .literal("0"))])),
                ])), registry: registry
        ).make(())
        var expected = ClassBalancedWeighter()
        expected.beta = 0.5
        try expect(chosen, expected.weights(performance, estimates: estimates).doubles())
    }

    @Test func estimatesMove() {
        var estimates = estimates
        estimates.update([4, 1.5, 0, 0], counts: [1, 1, 0, 0], momentum: 0.9)
        #expect(estimates.values[0] == 4)
        #expect(abs(estimates.values[1] - 0.6) < 1e-15)
        #expect(estimates.seen == [true, true, false, false])
    }

    @Test("What is estimated is what the weighter measures")
    func measuredEstimates() throws {
        let (plain, focal) = try (
            TinySearch().run(1)[0], TinySearch { $0.weighter = FocalWeighter() }.run(1)[0]
        )
        let (losses, measures) = (
            plain.memory["class_estimates/values"], focal.memory["class_estimates/values"]
        )
        #expect(zip(measures, losses).allSatisfy { 0 < $0 && $0 < $1 })
    }

    @Test("A class's loss is the mean over the images that all ranks have of it")
    func ranks() throws {
        let own = try Self.performance(on: backend, over: Twins())
        #expect(try own.counts.doubles() == [4, 0, 2, 0])
        #expect(try zip(own.losses.doubles(), [2, 0, 5, 0]).allSatisfy { abs($0 - $1) < 1e-14 })
        #expect(
            try own.classMeans(of: backend.tensor([1.0, 2, 7], [3])).doubles() == [1.5, 0, 7, 0])
    }
}
