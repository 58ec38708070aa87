import CPUEngine
import Foundation
import Multilevel
import NeuralNetworks
import TensorEngine
import Testing

@Suite("Solutions")
struct SolutionTests {
    let backend: CPUBackend

    init() throws { backend = try CPUBackend(threads: 1) }

    /// w descends ½‖w‖², whose gradient is w; a coupling doubles it.
    private func problem(clip: Double? = nil, steps: Int = 1, momentum: Double = 0) throws
        -> MultilevelProblem
    {
        let player = Player(
            "w", parameters: [try backend.tensor([3.0, 4], [2])],
            descent: DescentStep(SGD(momentum: momentum), rate: 0.5, clip: clip), dependencies: []
        ) { values in
            var found = Evaluation(try values["w"][0].squared().sum() * 0.5)
            if values.isObserved { found.metrics["largest"] = try values["w"][0].max().item() }
            found.extras["w"] = values["w"][0].detached
            return found
        }
        let doubled = Coupling("doubled", dependencies: ["w"]) { values in
            var found = Evaluation(try values["w"][0] * 2)
            if values.isObserved { found.metrics["second"] = try values["w"][0].doubles()[1] }
            return found
        }
        return MultilevelProblem(
            architecture: [try backend.tensor([2.0], [1])],
            stages: [.level(Level([player], steps: steps)), .coupling(doubled)],
            outer: Objective([.architecture, "doubled"]) { values in
                var found = Evaluation(try (values["doubled"][0] * values.architecture[0]).sum())
                if values.isObserved { found.metrics["outer"] = 7 }
                return found
            })
    }

    @Test("Observations are of the first evaluation; the gradient's norm is there where a player clips")
    func observations() throws {
        let solution = try problem(clip: 2.5, steps: 2).solve()
        let observation = try #require(solution.observations["w"])
        #expect(observation.value == 12.5 && observation.gradientNorm == 5)
        #expect(observation.metrics == ["largest": 4])
        #expect(try observation.extras["w"]?.doubles() == [3, 4])
        // [3, 4] less half of it at norm 2.5, and again.
        let found = try solution.values["w"][0].doubles()
        #expect(zip(found, [1.5, 2.0]).allSatisfy { abs($0 - $1) < 1e-5 })
        #expect(solution.observations["doubled"]?.metrics["second"] == found[1])
        #expect(solution.observations["doubled"]?.value == nil)
        #expect(try problem().solve().observations["w"]?.gradientNorm == nil)
    }

    @Test(
        "Optimisers go on from what they remembered at the step before, and say what they remember in the end"
    )
    func optimizers() throws {
        let solution = try problem(steps: 3, momentum: 0.5).solve()
        let state = try #require(solution.optimizers["w"])
        #expect(state.count == 3)
        // θ and v from 3: v = 3, θ = 1.5; v = 3, θ = 0; v = 1.5, θ = −0.75.
        #expect(try solution.values["w"][0].doubles() == [-0.75, -1])
        #expect(try state.slots[0][0].doubles() == [1.5, 2])
        #expect(solution.steps[0].map { $0[0].steps[0].descent.state.count } == [0, 1, 2])
    }

    @Test("The start is where no player has stepped")
    func start() throws {
        let start = try problem().start
        #expect(try start.values["w"][0].doubles() == [3, 4] && start.steps.isEmpty)
    }

    @Test("Where nothing steps the outer objective still has the couplings that it reads")
    func unstepped() throws {
        let problem = try problem()
        let unstepped = try problem.unstepped()
        #expect(unstepped.steps.isEmpty && unstepped.optimizers.isEmpty)
        #expect(try unstepped.values["doubled"][0].doubles() == [6, 8])
        let found = try FirstOrderHypergradient().gradient(of: problem, at: unstepped)
        #expect(try found.gradient[0].item() == 14)
    }

    @Test("A penalty of A alone is part of what A descends, of its gradient and of what it reports")
    func penalty() throws {
        let plain = try problem()
        let problem = plain.adding { try $0[0].squared().sum() * 3 }
        for method: any Hypergradient in [
            FirstOrderHypergradient(), ExactHypergradient(), FiniteDifferenceHypergradient(),
            ConjugateGradientHypergradient(), NeumannHypergradient(),
        ] {
            let without = try method.gradient(of: plain, at: plain.solve())
            let found = try method.gradient(of: problem, at: problem.solve())
            #expect(found.value == without.value + 12)
            #expect(try found.gradient[0].item() == without.gradient[0].item() + 12)
            #expect(found.metrics == ["outer": 7, "architecture_penalty": 12])
        }
        let none = plain.adding { _ in nil }
        #expect(try ExactHypergradient().gradient(of: none, at: none.solve()).metrics == ["outer": 7])
    }

    private struct Averages: Decodable {
        let decay: Double
        let values, averages: [[Double]]
    }

    @Test("A moving average is PyTorch's")
    func movingAverage() throws {
        let url = try #require(Bundle.module.url(forResource: "Fixtures/averages", withExtension: "json"))
        let fixture = try JSONDecoder().decode(Averages.self, from: Data(contentsOf: url))
        func vector(_ x: [Double]) throws -> Tensor { try backend.tensor(x, [x.count]) }
        var average = [try vector(fixture.averages[0])]
        for (index, expected) in fixture.averages.enumerated().dropFirst() {
            // A step of the rate 1 along ⟨θ, before − after⟩.
            let (before, after) = (try vector(fixture.values[index - 1]), try vector(fixture.values[index]))
            let player = Player(
                "w", parameters: [before], descent: DescentStep(SGD(), rate: 1), dependencies: []
            ) { Evaluation(try ($0["w"][0] * (before - after)).sum()) }
            let solution = try MultilevelProblem(
                architecture: [], stages: [.level(Level([player]))],
                outer: Objective(["w"]) { Evaluation($0["w"][0]) }
            ).averaging("w", as: "average", from: average, decay: fixture.decay).solve()
            average = solution.values["average"]
            let found = try average[0].doubles()
            #expect(zip(found, expected).allSatisfy { abs($0 - $1) < 1e-14 }, "\(index)")
        }
    }

    @Test("A moving average moves once a level, whatever the level's steps, and stands right after it")
    func averagedOnce() throws {
        let average = [try backend.tensor([1.0, 1], [2])]
        let problem = try problem(steps: 2).averaging("w", as: "average", from: average, decay: 0.75)
        // w is 3/4 and 1 after two halvings.
        #expect(try problem.solve().values["average"][0].doubles() == [0.9375, 1])
        let names = problem.stages.map { stage in
            switch stage {
            case .level(let level): level.players[0].id
            case .coupling(let coupling): coupling.id
            }
        }
        #expect(names == ["w", "average", "doubled"])
        #expect(problem.levels.count == 1)
    }
}
