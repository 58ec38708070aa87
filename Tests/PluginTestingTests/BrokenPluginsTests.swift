import Bilevel
import DCGAN
import Datasets
import ErrataCore
import Multilevel
import NeuralNetworks
import PluginTesting
import Synchronization
import TensorEngine
import Testing

@Suite("What is broken is reported")
struct BrokenPluginsTests {
    @Test(
        "A search space, by the right check",
        arguments: [
            (BrokenSpace.Fault.unreached, "gradients of the supernet's loss"),
            (.detached, "first derivatives of the supernet's loss in A's layers"),
            (.nan, "the supernet's logits"), (.signs, "signs"), (.text, "the genotype's text, read back"),
            (.oneHot, "the discrete network's logits, the supernet's at a one-hot architecture"),
            (.penalty, "first derivatives of the penalty in A's layers"),
        ])
    func space(_ fault: BrokenSpace.Fault, _ property: String) throws {
        let found = try properties { registry in
            try registry.searchSpaces.add(.init("broken", "") { BrokenSpace(fault) })
        }
        #expect(found.contains(property), "\(found)")
    }

    @Test("The same space without a fault is not reported")
    func soundSpace() throws {
        let found = try properties { registry in
            try registry.searchSpaces.add(.init("sound", "") { BrokenSpace(.none) })
        }
        #expect(found == [])
    }

    @Test(
        "A generator, by the right check",
        arguments: [
            (BrokenGenerator.Fault.labels, ["images of different classes from the same noise"]),
            (.range, ["images", "images"]), (.critic, ["critic steps"]), (.metric, ["metrics"]),
            (.detached, ["first derivatives of the generator's loss in G's project.weight"]), (.none, []),
        ])
    func generator(_ fault: BrokenGenerator.Fault, _ expected: [String]) throws {
        let found = try properties { registry in
            try registry.generators.add(.init("broken", "") { try BrokenGenerator(fault, $0) })
        }
        if expected.isEmpty { #expect(found == []) }
        for property in expected { #expect(found.contains(property), "\(found)") }
    }

    @Test("An early stopping, by the right check")
    func earlyStoppings() throws {
        func found(_ verdict: @escaping BrokenStopping.Function) throws -> [String] {
            try properties { registry in
                try registry.earlyStoppings.add(.init("broken", "") { BrokenStopping(function: verdict) })
            }
        }
        #expect(try found { epoch, _ in epoch.number == 3 ? .init(epoch: 2, reason: "enough") : nil } == [])
        let later = try found { epoch, _ in .init(epoch: epoch.number + 1, reason: "enough") }
        #expect(later == ["the epoch that a verdict on epoch 1 names"])
        #expect(try found { _, _ in .init(epoch: 1, reason: "") } == ["a verdict's reason"])
        let count = Mutex(0)
        let hidden = try found { epoch, _ in
            count.withLock { $0 += 1 }
            return count.withLock { $0 } == 4 ? .init(epoch: 1, reason: "enough") : nil
        }
        #expect(hidden == ["the verdict on epoch 2, once more"])
    }

    @Test(
        "A relaxation, by the right check",
        arguments: [
            (BrokenRelaxation.Fault.none, nil), (.shape, "the weights of a pass of training"),
            (.nan, "the weights of a pass of training"),
            (.gradient, "first derivatives of the weights of a pass of training in A"),
            (.hidden, "the weights of a pass of training, twice with the same seeds"),
            (.running, "the weights of a pass of training, of what does not run"),
            (.strengths, "strengths"), (.penalty, "first derivatives of the penalty in A"),
            (.surrogate, "the gradient of the weights of a pass of training"),
        ] as [(BrokenRelaxation.Fault, String?)])
    func relaxation(_ fault: BrokenRelaxation.Fault, _ property: String?) throws {
        let found = try properties { registry in
            try registry.relaxations.add(.init("broken", "") { BrokenRelaxation(fault) })
        }
        if let property { #expect(found.contains(property), "\(found)") } else { #expect(found == []) }
    }

    @Test("A class weighter, by the right check")
    func weighters() throws {
        func found(_ isDifferentiable: Bool, _ weights: @escaping BrokenWeighter.Function) throws -> [String]
        {
            try properties { registry in
                try registry.weighters.add(
                    .init("broken", "") {
                        BrokenWeighter(isDifferentiable: isDifferentiable, function: weights)
                    })
            }
        }
        #expect(try found(true) { $0.losses } == [])
        #expect(
            try found(true) { try $0.losses * $0.counts / $0.counts }
                .contains("weights where classes are absent"))
        #expect(try found(true) { $0.losses.detached }.contains("gradients of the weights"))
        #expect(try found(false) { $0.losses }.contains("gradients of the weights"))
        #expect(
            try found(true) { try $0.losses.negated() }.contains("weights where classes are absent"))
        #expect(
            try found(true) { try $0.losses.sum() }.contains("weights where classes are absent"))
    }

    @Test(
        "An optimiser, by the right check",
        arguments: [
            (BrokenOptimizer.Fault.none, nil),
            (.detached, "first derivatives of a later step in the gradient"),
            (.ascends, "descent of a quadratic, 103 steps at the rate 0.02"),
            (.slots, "the slots after a step"),
        ] as [(BrokenOptimizer.Fault, String?)])
    func optimizer(_ fault: BrokenOptimizer.Fault, _ property: String?) throws {
        let found = try properties { registry in
            try registry.optimizers.add(.init("broken", "") { BrokenOptimizer(fault: fault) })
        }
        if let property { #expect(found.contains(property), "\(found)") } else { #expect(found == []) }
    }

    @Test(
        "A method, by the right check",
        arguments: [
            (BrokenMethod.Fault.none, nil), (.undeclared, "a search"), (.unreported, "metrics"),
            (.occurrences, "occurrences of A"), (.classifiers, "classifiers"),
        ] as [(BrokenMethod.Fault, String?)])
    func method(_ fault: BrokenMethod.Fault, _ property: String?) throws {
        let found = try properties { registry in
            try registry.methods.add(
                .init("broken", "") {
                    BrokenMethod(
                        base: BilevelMethod(BilevelSettings(), supernet: $0.supernet, weights: $0.weights),
                        fault: fault)
                })
        }
        if let property { #expect(found.contains(property), "\(found)") } else { #expect(found == []) }
    }

    @Test("A hypergradient that descends")
    func hypergradient() throws {
        let found = try properties { registry in
            try registry.hypergradients.add(.init("broken", "") { Opposite() })
        }
        #expect(found.contains("the gradient's direction"), "\(found)")
        #expect(found.contains("the gradient where no level depends on A"), "\(found)")
    }

    @Test("A schedule whose rate is negative")
    func schedule() throws {
        let found = try properties { registry in
            try registry.schedules.add(.init("broken", "") { Negative() })
        }
        #expect(found.count == 1 && found[0].hasPrefix("the rate at"), "\(found)")
    }

    @Test("A data set whose labels are of no class")
    func dataset() throws {
        let found = try properties { registry in
            try registry.datasets.add(
                .init("broken", "") { try ImageData(training: Mislabelled(), test: Mislabelled()) })
        }
        #expect(found.contains("training labels"), "\(found)")
        #expect(found.contains("training image 0, read twice") == false)
    }

    @Test("A plugin without components, settings of none, and components that are left out")
    func plugin() throws {
        #expect(try properties { _ in } == ["components"])
        #expect(
            try properties(["slwo": "{}"]) { registry in
                try registry.schedules.add(.init("slow", "") { ConstantSchedule() })
            } == ["components"])
        #expect(
            try properties(skipping: ["broken"]) { registry in
                try registry.schedules.add(.init("broken", "") { Negative() })
            } == [])
        #expect(
            try properties(["slow": "{speed: 1}"]) { registry in
                try registry.schedules.add(.init("slow", "") { ConstantSchedule() })
            } == ["settings"])
    }

    @Test("A failure says where, what was found, and what was expected")
    func description() throws {
        let error = #expect(throws: ConformanceFailures.self) {
            try checkPlugin(
                OnePlugin { registry in
                    try registry.optimizers.add(.init("broken", "") { BrokenOptimizer(fault: .slots) })
                })
        }
        #expect(
            error?.description
                == "optimizer 'broken': the slots after a step: found 1, expected 2")
    }
}
