import CPUEngine
import ErrataCore
import Foundation
import NeuralNetworks
import Relaxations
import TensorEngine
import Testing

@Suite("The weights of relaxations, against closed forms")
struct WeightsTests {
    let backend: CPUBackend
    let alpha: Tensor

    init() throws {
        backend = try CPUBackend(threads: 1)
        alpha = backend.normal([5, 8], .float64, from: RandomStream(seed: 2, "alpha"))
    }

    private func weights(_ relaxation: some Relaxation, _ pass: RelaxationPass) throws -> [Double] {
        try relaxation.weights(alpha, of: darts(5), in: pass).weights.doubles()
    }

    @Test("The sigmoid, for weights and strengths, and its loss")
    func sigmoid() throws {
        var relaxation = SigmoidRelaxation()
        let expected = try alpha.doubles().map { 1 / (1 + exp(-$0)) }
        #expect(distance(try weights(relaxation, pass()), expected) < 1e-14)
        #expect(distance(try relaxation.strengths(alpha).doubles(), expected) < 1e-14)
        #expect(relaxation.initializer == .zeros)
        let loss = -expected.reduce(0) { $0 + ($1 - 0.5) * ($1 - 0.5) } / 40
        #expect(abs(try relaxation.penalty([alpha, alpha], at: .init())!.item() - 10 * loss) < 1e-13)
        relaxation.zeroOneWeight = 3
        #expect(abs(try relaxation.penalty([alpha], at: .init())!.item() - 3 * loss) < 1e-13)
    }

    @Test("Draws differ from purpose to purpose and from part to part; a pass has its own")
    func streams() throws {
        let state = ModelState(parameters: [], buffers: [])
        let training = ForwardContext(state, random: RandomStream(seed: 1))
        let judging = ForwardContext(state, purpose: .judging, random: RandomStream(seed: 1))
        let found = [
            RelaxationPass(training, "normal"), RelaxationPass(training, "reduce"),
            RelaxationPass(judging, "normal"),
        ]
        #expect(Set(found.map(\.random)).count == 3)
        #expect(RelaxationPass(training, "normal").random == found[0].random)
    }

    @Test("Temperatures fall linearly over the epochs, to the last one's")
    func temperatures() {
        let annealing = Annealing(first: 10, last: 0.1)
        func value(_ epoch: Int) -> Double { annealing.value(at: TrainingTime(epoch: epoch, epochs: 34)) }
        #expect(value(0) == 10)
        #expect(abs(value(33) - 0.1) < 1e-12)
        #expect(abs(value(11) - 6.7) < 1e-12)
        #expect(annealing.value(at: TrainingTime()) == 10)
    }

    @Test("Each temperature is heard")
    func temperatureSettings() throws {
        func differ(_ change: (inout GumbelSoftmaxRelaxation) -> Void, epoch: Int) throws -> Bool {
            var other = GumbelSoftmaxRelaxation()
            change(&other)
            return try weights(other, pass(epoch: epoch))
                != weights(GumbelSoftmaxRelaxation(), pass(epoch: epoch))
        }
        #expect(try differ({ $0.temperature = 2 }, epoch: 0))
        #expect(try differ({ $0.finalTemperature = 0.5 }, epoch: 49))
        func surrogate(_ relaxation: GDASRelaxation, _ epoch: Int) throws -> [Double] {
            try relaxation.surrogate(alpha, of: darts(5), in: pass(epoch: epoch)).doubles()
        }
        var gdas = GDASRelaxation()
        gdas.temperature = 5
        #expect(try surrogate(gdas, 0) != surrogate(GDASRelaxation(), 0))
        gdas = GDASRelaxation()
        gdas.finalTemperature = 1
        #expect(try surrogate(gdas, 49) != surrogate(GDASRelaxation(), 49))
    }

    @Test("One operation an edge runs, as often as the softmax says, and weighs 1")
    func hard() throws {
        var counts = [Double](repeating: 0, count: 40)
        let draws = 4000
        for seed in 0..<draws {
            let found = try GDASRelaxation().weights(alpha, of: darts(5), in: pass(seed: UInt64(seed)))
            let runs = try #require(found.runs)
            #expect(runs.allSatisfy { $0.count { $0 } == 1 })
            let values = try found.weights.doubles()
            #expect(values == runs.flatMap { $0.map { $0 ? 1 : 0 } })
            for (index, value) in values.enumerated() { counts[index] += value }
        }
        let expected = try alpha.softmax().doubles()
        #expect(distance(counts.map { $0 / Double(draws) }, expected) < 0.04)
        let strongest = try GDASRelaxation().weights(alpha, of: darts(5), in: pass(.evaluation)).runs!
        for (edge, runs) in strongest.enumerated() {
            let row = expected[(8 * edge)..<(8 * edge + 8)]
            #expect(runs.firstIndex(of: true) == row.firstIndex(of: row.max()!)! - 8 * edge)
        }
    }

    @Test("A random perturbation as large as the schedule says, while weights train alone")
    func randomSmoothing() throws {
        let plain = try alpha.softmax().doubles()
        let relaxation = RandomSmoothingRelaxation()
        #expect(try weights(relaxation, pass(.judging)) == plain)
        #expect(try weights(relaxation, pass(.evaluation)) == plain)
        let found = try weights(relaxation, pass(epoch: 40))
        let sums = (0..<5).map { found[(8 * $0)..<(8 * $0 + 8)].reduce(0, +) }
        #expect(distance(sums, [1, 1, 1, 1, 1]) < 1e-14)
        #expect(found.allSatisfy { $0 >= 0 } && found.contains(0))
        // Nothing is clipped by so little, and the same numbers are drawn.
        func noise(_ relaxation: RandomSmoothingRelaxation, epoch: Int) throws -> Double {
            let even = try backend.zeros([1, 8], .float64)
            let weights = try relaxation.weights(even, of: darts(1), in: pass(epoch: epoch)).weights
            let values = try weights.doubles()
            return values.max()! / values.min()! - 1
        }
        #expect(try noise(relaxation, epoch: 10) > 1.5 * noise(relaxation, epoch: 0))
        var other = relaxation
        other.radius = 0.01
        #expect(try noise(other, epoch: 0) < 0.5 * noise(relaxation, epoch: 0))
        other = relaxation
        other.finalRadius = 0.03
        #expect(try noise(other, epoch: 40) == noise(relaxation, epoch: 0))
    }

    @Test("An adversary finds the corner of a linear loss, and gives up what is no worse")
    func adversary() throws {
        let adversary = WeightAdversary(radius: 0.2, steps: 7)
        let slopes = (0..<2).map { part in
            backend.normal([3, 4], .float64, from: RandomStream(seed: 4, "slopes \(part)"))
        }
        let parts = try slopes.map { try $0.filled(with: 0) }
        let random = RandomStream(seed: 5)
        let found = try adversary.perturbations(of: parts, random: random) {
            try ($0[0] * slopes[0]).sum() + ($0[1] * slopes[1]).sum()
        }
        for (perturbation, slope) in zip(found, slopes) {
            #expect(!perturbation.isDifferentiable)
            #expect(try perturbation.doubles() == slope.doubles().map { $0 > 0 ? 0.2 : -0.2 })
        }
        let start = try adversary.perturbations(of: parts, random: random) {
            try ($0[0].sum() + $0[1].sum()) * 0 + 1
        }
        #expect(try start.allSatisfy { try $0.doubles().allSatisfy { $0 == 0 } })
        let peak = try adversary.perturbations(of: parts, random: random) {
            try $0[0].squared().sum().negated() + $0[1].sum() * 0
        }
        #expect(try peak[0].doubles().allSatisfy { $0 == 0 })
    }

    @Test("An adversary's perturbation is added, clipped and divided by the sum; its radius grows")
    func adversarial() throws {
        var relaxation = AdversarialRelaxation()
        var perturbed = pass()
        #expect(try weights(relaxation, perturbed) == alpha.softmax().doubles())
        perturbed.perturbation = try backend.tensor(
            (0..<40).map { $0 % 8 == 0 ? -1.0 : $0 % 8 == 1 ? 0.3 : 0 }, [5, 8])
        let expected = try alpha.softmax().doubles().enumerated().map {
            $0 % 8 == 0 ? 0 : $0 % 8 == 1 ? $1 + 0.3 : $1
        }
        let sums = (0..<5).map { row in expected[(8 * row)..<(8 * row + 8)].reduce(0, +) }
        #expect(
            distance(
                try weights(relaxation, perturbed), expected.enumerated().map { $1 / sums[$0 / 8] }) < 1e-14)
        func radius(_ epoch: Int) -> Double? {
            relaxation.adversary(at: TrainingTime(epoch: epoch, epochs: 50))?.radius
        }
        #expect(radius(0) == 0.03 && abs(radius(25)! - 0.165) < 1e-12)
        (relaxation.radius, relaxation.finalRadius, relaxation.steps) = (0.1, 0.1, 3)
        #expect(relaxation.adversary(at: TrainingTime()) == WeightAdversary(radius: 0.1, steps: 3))
    }

    @Test("What a perturbation leaves nothing of goes to the strongest")
    func emptied() throws {
        var relaxation = RandomSmoothingRelaxation()
        relaxation.radius = 1
        let even = try backend.zeros([200, 2], .float64)
        let found = try relaxation.weights(
            even, of: Array(repeating: ["none", "skip_connect"], count: 200), in: pass()
        ).weights.doubles()
        #expect(found.allSatisfy { $0.isFinite })
        #expect((0..<200).allSatisfy { abs(found[2 * $0] + found[2 * $0 + 1] - 1) < 1e-14 })
    }

    @Test("The auxiliary skip's weight, falling to 0")
    func auxiliarySkip() throws {
        let plain = try alpha.softmax().doubles()
        for (epoch, beta) in [(0, 1.0), (25, 0.5), (50, 0)] {
            let added = zip(try weights(AuxiliarySkipRelaxation(), pass(epoch: epoch)), plain).map { $0 - $1 }
            let expected = (0..<40).map { $0 % 8 == 3 ? beta : 0 }
            #expect(distance(added, expected) < 1e-14)
        }
        var relaxation = AuxiliarySkipRelaxation()
        relaxation.beta = 0.4
        #expect(abs(try weights(relaxation, pass())[3] - plain[3] - 0.4) < 1e-14)
        #expect(try relaxation.strengths(alpha).doubles() == plain)
    }

    @Test("Noise on skips alone, of a deviation in theirs, while a network trains")
    func noise() throws {
        var relaxation = NoisyRelaxation()
        #expect(darts(1)[0].filter { relaxation.transformation(of: $0) != nil } == ["skip_connect"])
        let x = try backend.normal([8, 16, 16, 4], .float64, from: RandomStream(seed: 4)) * 3 + 1
        func added(_ mode: NormalizationMode = .batch) throws -> [Double] {
            let change = try #require(relaxation.transformation(of: "skip_connect"))
            let context = ForwardContext(
                ModelState(parameters: [], buffers: []), normalization: mode, random: RandomStream(seed: 5))
            return try (change(x, context) - x).doubles()
        }
        func moments(_ values: [Double]) -> (mean: Double, deviation: Double) {
            let mean = values.reduce(0, +) / Double(values.count)
            let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
            return (mean, (squares / Double(values.count)).squareRoot())
        }
        #expect(try added(.running).allSatisfy { $0 == 0 })
        let found = moments(try added())
        #expect(abs(found.mean) < 0.03 && abs(found.deviation - 0.6) < 0.03)
        relaxation.deviation = 0.1
        #expect(abs(moments(try added()).deviation - 0.3) < 0.02)
        relaxation.mean = 2
        #expect(abs(moments(try added()).mean - 2) < 0.02)
    }

    @Test("Operations are dropped in groups, of which each keeps one, and the others share the softmax")
    func operationDropout() throws {
        var relaxation = OperationDropoutRelaxation()
        #expect(try weights(relaxation, pass(warmup: 1)) == alpha.softmax().doubles())
        #expect(try weights(relaxation, pass(.evaluation)) == alpha.softmax().doubles())
        func dropped(_ relaxation: OperationDropoutRelaxation) throws -> [Double] {
            var counts = [Double](repeating: 0, count: 8)
            for seed in 0..<400 {
                let found = try relaxation.weights(alpha, of: darts(5), in: pass(seed: UInt64(seed)))
                let runs = try #require(found.runs)
                let values = try found.weights.doubles()
                let logits = try alpha.doubles()
                for edge in 0..<5 {
                    let free = Set(relaxation.parameterFree)
                    let kept = zip(darts(1)[0], runs[edge]).filter(\.1).map { free.contains($0.0) }
                    #expect(Set(kept) == [true, false])
                    let total = (0..<8).reduce(0) { $0 + (runs[edge][$1] ? exp(logits[8 * edge + $1]) : 0) }
                    for column in 0..<8 {
                        let expected = runs[edge][column] ? exp(logits[8 * edge + column]) / total : 0
                        #expect(abs(values[8 * edge + column] - expected) < 1e-14)
                        if !runs[edge][column] { counts[column] += 1 / 2000 }
                    }
                }
            }
            return counts
        }
        // (3·10⁻⁵)^¼ = 0.074.
        #expect(try dropped(relaxation).allSatisfy { abs($0 - 0.074) < 0.025 })
        relaxation.rate = 0.01
        #expect(try dropped(relaxation).allSatisfy { abs($0 - 0.31) < 0.05 })
        // In a group of two the probability is the square root.
        relaxation.parameterFree = ["none", "skip_connect"]
        let found = try dropped(relaxation)
        #expect(abs(found[0] - 0.1) < 0.03 && abs(found[1] - 0.464) < 0.05)
    }
}
