import CPUEngine
import ErrataCore
import LFM
import TensorEngine
import Testing

@Suite("Class weighters")
struct ClassWeighterTests {
    let backend: CPUBackend
    let performance: ClassPerformance
    var estimates = ClassEstimates(classes: 4)

    init() throws {
        backend = try CPUBackend(threads: 1)
        performance = try ClassPerformance(
            losses: backend.tensor([1.0, 3.0, 5.0], [3]), labels: backend.tensor([0, 0, 2] as [Int32], [3]),
            classes: 4)
        estimates.update(losses: [0, 0.5, 0, 0], counts: [0, 2, 0, 0], momentum: 0.9)
    }

    @Test(arguments: [
        (ValidationLossWeighter.AbsentClasses.runningEstimate, [2.0, 0.5, 5.0, 3.5]),
        (.zero, [2, 0, 5, 0]), (.mean, [2, 3.5, 5, 3.5]),
    ])
    func absentClasses(_ rule: ValidationLossWeighter.AbsentClasses, expected: [Double]) throws {
        let weights = try ValidationLossWeighter(absentClasses: rule).weights(
            performance, estimates: estimates)
        #expect(try weights.doubles() == expected)
    }

    @Test(
        "What stands in for an absent class is a constant to differentiation",
        arguments: [
            ValidationLossWeighter.AbsentClasses.runningEstimate, .zero, .mean,
        ])
    func constantSubstitutes(_ rule: ValidationLossWeighter.AbsentClasses) throws {
        let losses = try backend.tensor([1.0, 3.0, 5.0], [3]).variable
        let performance = try ClassPerformance(
            losses: losses, labels: backend.tensor([0, 0, 2] as [Int32], [3]), classes: 4)
        let weights = try ValidationLossWeighter(absentClasses: rule).weights(
            performance, estimates: estimates)
        let slopes = try gradients(
            of: [weights], withRespectTo: [losses],
            cotangents: [backend.tensor([1.0, 10, 100, 1000], [4])])
        #expect(try slopes[0].doubles() == [0.5, 0.5, 100])
    }

    @Test func uniform() throws {
        #expect(try UniformWeighter().weights(performance, estimates: estimates).doubles() == [1, 1, 1, 1])
    }

    @Test func estimatesMove() {
        var estimates = estimates
        estimates.update(losses: [4, 1.5, 0, 0], counts: [1, 1, 0, 0], momentum: 0.9)
        #expect(estimates.losses[0] == 4)
        #expect(abs(estimates.losses[1] - 0.6) < 1e-15)
        #expect(estimates.seen == [true, true, false, false])
    }

    @Test("A class's loss is the mean over the images that all ranks have of it")
    func ranks() throws {
        let own = try ClassPerformance(
            losses: backend.tensor([1.0, 3.0, 5.0], [3]), labels: backend.tensor([0, 0, 2] as [Int32], [3]),
            classes: 4, over: Twins())
        #expect(try own.counts.doubles() == [4, 0, 2, 0])
        #expect(try own.losses.doubles() == [2, 0, 5, 0])
    }
}

/// Two ranks with the same batch.
private struct Twins: Communicator {
    var rank: Int { 0 }
    var size: Int { 2 }

    func sum(_ tensors: [Tensor]) throws -> [Tensor] { try tensors.map { try $0 * 2 } }

    func any(_ flag: Bool) -> Bool { flag }
}
