import ErrataCore
import Multilevel
import NeuralNetworks
import SearchTesting
import TensorEngine
import Testing

@Suite("A method that is no one's module: learning by ignoring")
struct LearningByIgnoringTests {
    private func ignoring(_ tiny: inout TinySearch, proximity: Double = 0.1) {
        tiny.method = { LearningByIgnoring(context: $0, proximity: proximity) }
        tiny.widened = { IgnoringSpace(space: $0, classes: 3) }
    }

    @Test("Its exact hypergradient is the slope of the step, path by path")
    func wholeStep() throws {
        for seed in 1...20 {
            let step = try WholeStep(seed: UInt64(seed)) { ignoring(&$0) }
            guard let disagreements = try step.disagreements(["direct", "w", "v"], zero: []) else { continue }
            #expect(disagreements == [])
            return
        }
        Issue.record("every seed has a kink within reach")
    }

    @Test("A and the classes' weights descend together; only W's level leads to the weights")
    func upperVariables() throws {
        let tiny = try TinySearch {
            ignoring(&$0)
            $0.hypergradient = ExactHypergradient()
        }
        let start = try tiny.initialState()
        #expect(try start.alphas().last == [0, 0, 0])
        let problem = try tiny.problem(start)
        let terms = try ExactHypergradient().gradient(of: problem, at: problem.solve()).terms
        #expect(Set(terms.keys) == ["direct", "w", "v"])
        for (path, term) in terms {
            #expect(try term.last!.doubles().contains { $0 != 0 } == (path == "w"), "\(path)")
        }
        let after = try tiny.run(1)[0]
        #expect(try after.alphas().last!.allSatisfy { $0 != 0 })
        #expect(try after.alphas().first != start.alphas().first)
    }

    @Test("What it reports and remembers comes through")
    func reports() throws {
        let tiny = try TinySearch {
            ignoring(&$0)
            $0.hypergradient = ExactHypergradient()
            $0.architecture.rate = 0.1
        }
        let search = try tiny.search()
        var state = try tiny.initialState()
        var reported = try tiny.step(&state)
        #expect(search.method.classMetrics(state.memory) == [ClassMetric("weight", [0.5, 0.5, 0.5])])
        #expect(Set(reported.keys).isSubset(of: Set(search.metrics.map(\.name))))
        #expect(reported["distance"]! > 0 && reported["v_accuracy"] != nil && reported["w_loss"] != nil)
        reported = try tiny.step(&state)
        #expect(search.method.classMetrics(state.memory)[0].values.allSatisfy { $0! != 0.5 })
    }

    @Test("The same seed gives the same bits on one thread and on two; another proximity others")
    func determinism() throws {
        func after(threads: Int, proximity: Double = 0.1) throws -> [[Double]] {
            try TinySearch(threads: threads) {
                ignoring(&$0, proximity: proximity)
                ($0.dtype, $0.hypergradient) = (.float32, ExactHypergradient())
            }.run(2).last!.everything()
        }
        let one = try after(threads: 1)
        #expect(try one == after(threads: 2))
        #expect(try one != after(threads: 1, proximity: 0.2))
    }
}
