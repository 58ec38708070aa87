import Bilevel
import Datasets
import ErrataCore
import Multilevel
import NeuralNetworks
import SearchTesting
import TensorEngine
import Testing

@Suite("The plain search")
struct BilevelMethodTests {
    @Test("Every setting changes a step")
    func settingsMatter() throws {
        typealias Change = @Sendable (inout BilevelSettings) -> Void
        func after(_ changes: Change...) throws -> [[Double]] {
            try TinySearch { tiny in
                tiny.bilevel { settings in for change in changes { change(&settings) } }
            }.run(2).last!.everything()
        }
        let twice: Change = { $0.steps = 2 }
        let settings: [(key: String, where: Change, change: Change)] = [
            ("order", { _ in }, { $0.order = .architectureFirst }), ("steps", { _ in }, twice),
            ("step_batches", twice, { $0.stepBatches = .shared }),
        ]
        #expect(Set(settings.map(\.key)) == Set(BilevelSettings.fields.map(\.key)))
        for (key, place, change) in settings { #expect(try after(place) != after(place, change), "\(key)") }
    }

    @Test("Every step of W takes a batch of its own, or all the same")
    func batches() throws {
        func count(_ change: (inout BilevelSettings) -> Void) throws -> Int {
            try TinySearch { $0.bilevel(change) }.search().method.batches[0].count
        }
        #expect(try count { $0.steps = 3 } == 3)
        #expect(
            try count {
                $0.steps = 3
                $0.stepBatches = .shared
            } == 1)
    }

    @Test("The exact hypergradient through two steps is the slope of the step")
    func wholeStep() throws {
        for seed in 1...20 {
            let step = try WholeStep(seed: UInt64(seed)) { tiny in
                tiny.space.nodes = 2
                tiny.bilevel { $0.steps = 2 }
            }
            guard let disagreements = try step.disagreements(["direct", "w2"], zero: []) else { continue }
            #expect(disagreements == [])
            return
        }
        Issue.record("every seed has a kink within reach")
    }

    @Test("The same seed gives the same bits on one thread and on two")
    func threads() throws {
        func after(threads: Int) throws -> [[Double]] {
            try TinySearch(threads: threads) {
                $0.dtype = .float32
                $0.hypergradient = ExactHypergradient()
                $0.bilevel()
            }.run(2).last!.everything()
        }
        #expect(try after(threads: 1) == after(threads: 2))
    }
}
