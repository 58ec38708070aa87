import Experiments
import Foundation
import TensorEngine
import Testing

@Suite("A search that ends early")
struct EarlyStoppingRunTests {
    private static let cells =
        TinyRun.lfm + [
            "method=bilevel", "search.epochs=6", "search.steps_per_epoch=1",
            "optimizers.architecture.rate=0.001",
        ]
    /// A ranking that stays from the start: A's steps are too small to change it.
    private static let settled =
        cells + [
            "search_space.initial_deviation=1", "search.early_stopping={name: stable-ranking, epochs: 2}",
        ]

    @Test("The result is the epoch's that the rule names, and says why; resumed, it is the same")
    func ends() throws {
        let run = try TinyRun()
        let result = try run.search(Self.settled)
        #expect(result.epoch == 3)
        #expect(result.stopped == "the order of the candidates has stayed for 2 epochs")
        let accuracies = try run.column("validation_accuracy", of: "search/epochs.csv")
        #expect(accuracies.count == 3 && result.accuracy == accuracies[2])
        #expect(try run.text("genotype.yaml") == run.text("search/genotypes/epoch-003.yaml"))
        #expect(run.lines.contains { $0.hasPrefix("the search ends after epoch 3: ") }, "\(run.lines)")
        let again = try run.search(Self.settled, resuming: true)
        #expect(YAMLWriter.text(again.encoded) == YAMLWriter.text(result.encoded))
        #expect(try run.table("search/epochs.csv").count == 3)
    }

    @Test("Killed and resumed, the rule goes on from what it remembers")
    func resumes() throws {
        let run = try TinyRun()
        let expected = try run.search(Self.settled)
        let tensors = try run.checkpoint(.search).tensors
        try run.rewind(.search)
        #expect(try run.search(Self.settled, resuming: true) == expected)
        #expect(run.lines.contains { $0.hasPrefix("resumed at step 2 of") }, "\(run.lines)")
        #expect(try run.checkpoint(.search).tensors == tensors)
    }

    @Test("It does not look while A waits, nor before the last stage")
    func waits() throws {
        let run = try TinyRun()
        #expect(try run.search(Self.settled + ["search.architecture_warmup=2"]).epoch == 5)
        let staged = try TinyRun()
        let result = try staged.search(
            TinyRun.stagedCells + [
                "method=bilevel", "search.epochs=3", "search.steps_per_epoch=1",
                "optimizers.architecture.rate=0.001", "search_space.stages=[{}, {candidates: 5}]",
                "search.early_stopping={name: stable-ranking, epochs: 1}",
            ])
        #expect(result.epoch == 5)
    }

    @Test("A rule that looks at the eigenvalue has it measured")
    func eigenvalue() throws {
        let run = try TinyRun()
        let result = try run.search(
            Self.cells + ["search.epochs=2", "search.early_stopping=hessian-eigenvalue"])
        #expect(result.stopped == nil)
        #expect(try run.column("hessian_eigenvalue", of: "search/epochs.csv").count == 2)
    }

    @Test("What cannot be looked at is said before anything is written")
    func unknown() throws {
        let run = try TinyRun()
        let error = failure { try run.search("search.early_stopping=skip-connections") }
        #expect(
            error.contains("search.early_stopping.sign: the search space tells nothing called"), "\(error)")
        #expect(!FileManager.default.fileExists(atPath: run.path))
    }
}
