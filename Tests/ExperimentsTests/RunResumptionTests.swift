import Experiments
import Foundation
import Testing

extension TinyRun {
    /// Puts the run back to the checkpoint before the last, as if it had been killed after it.
    func rewind(_ kind: RunKind) throws {
        let store = directory.checkpoints(of: kind)
        try FileManager.default.removeItem(atPath: store.path)
        try FileManager.default.moveItem(atPath: store.previousPath, toPath: store.path)
    }

    /// A metrics file without what a clock decides.
    func steps(_ kind: RunKind) throws -> [[String: String]] {
        try table("\(kind.rawValue)/metrics.csv").map { row in
            row.filter { !["seconds", "peak_memory_bytes"].contains($0.key) }
        }
    }

    func edit(_ kind: RunKind, _ change: (inout Archive) throws -> Void) throws {
        var archive = try checkpoint(kind)
        try change(&archive)
        try directory.checkpoints(of: kind).write(archive)
    }
}

@Suite("Runs go on")
struct RunResumptionTests {
    @Test(
        "to the same bits, whatever the stage",
        arguments: [
            ["search.epochs=3"],
            // The checkpoint before the last is the first stage's last, then one within the second stage.
            TinyRun.progressive + ["search.epochs=1"], TinyRun.progressive + ["search.epochs=2"],
            TinyRun.lfm + ["search.epochs=2", "search.steps_per_epoch=1", "generator.training.average=0.5"],
            TinyRun.stagedCells, TinyRun.stagedCells + ["search.epochs=2"],
            TinyRun.partialCells + ["search.epochs=2"],
            ["optimizers.weights.optimizer=rmsprop", "precision=float64", "search.hessian_eigenvalue=true"],
        ])
    func searches(_ settings: [String]) throws {
        let run = try TinyRun()
        let whole = try run.search(settings)
        let (tensors, steps) = (try run.checkpoint(.search).tensors, try run.steps(.search))
        let classes = try run.text("search/classes.csv")
        try run.rewind(.search)
        #expect(try run.search(settings, resuming: true) == whole)
        #expect(run.lines.contains { $0.hasPrefix("resumed at step") })
        #expect(try run.checkpoint(.search).tensors == tensors)
        #expect(try run.steps(.search) == steps)
        #expect(try run.text("search/classes.csv") == classes)
    }

    @Test("an evaluation too")
    func evaluations() throws {
        let run = try TinyRun()
        let whole = try run.evaluate()
        let (tensors, steps) = (try run.checkpoint(.evaluation).tensors, try run.steps(.evaluation))
        try run.rewind(.evaluation)
        #expect(try run.evaluate(resuming: true) == whole)
        #expect(try run.checkpoint(.evaluation).tensors == tensors && run.steps(.evaluation) == steps)
        let other = failure { try run.evaluate("Chain(identity, identity, identity)", resuming: true) }
        #expect(other.contains("another genotype"), "\(other)")
    }

    @Test("A search begun in a stage stores what narrowed it")
    func narrowing() throws {
        let run = try TinyRun()
        try run.search(TinyRun.progressive + ["search.epochs=1"])
        #expect(try run.checkpoint(.search).integer("stage") == 1)
        #expect(try run.checkpoint(.search).text("narrowing").contains("normal"))
        #expect(try run.column("stage", of: "search/epochs.csv") == [1, 2])
        #expect(try run.column("architecture_learning_rate", of: "search/metrics.csv").count == 4)
    }

    @Test(
        "What decides none of a search's bits may change, and the spec then says so",
        arguments: [
            "name=other", "evaluation.epochs=7", "evaluation.network.channels=3", "search.sample_columns=2",
            "search.checkpoint_minutes=1", "data.test_limit=3",
        ])
    func freeSettings(_ setting: String) throws {
        let run = try TinyRun()
        try run.search()
        try run.rewind(.search)
        try run.search([setting], resuming: true)
        let value = String(setting[setting.index(after: setting.firstIndex(of: "=")!)...])
        #expect(try run.text("spec.yaml").contains(": \(value)"))
        #expect(try run.checkpoint(.search).text("spec").contains(": \(value)"))
    }

    @Test(
        "What decides them may not",
        arguments: [
            "seed=4", "precision=float64", "data.limit=30", "data.training_fraction=0.6",
            "search.batch_size=4",
            "search.augmentation.horizontal_flip=false", "search.architecture_warmup=1",
            "search.steps_per_epoch=1",
            "optimizers.weights.rate=0.1", "optimizers.architecture.clip=1", "hypergradient=exact",
            "method.order=architecture-first", "data.set.noise=0.1", "search.hessian_eigenvalue=true",
        ])
    func decidingSettings(_ setting: String) throws {
        let run = try TinyRun()
        try run.search()
        let error = failure { try run.search([setting], resuming: true) }
        let key = setting[..<setting.firstIndex(of: "=")!]
        #expect(error.contains("started with another spec") && error.contains(key), "\(error)")
        // The checkpoint says so as well.
        try FileManager.default.removeItem(atPath: "\(run.path)/spec.yaml")
        let checkpoint = failure { try run.search([setting], resuming: true) }
        #expect(checkpoint.contains("started with another spec") && checkpoint.contains(key), "\(checkpoint)")
    }

    @Test("An evaluation may change what only a search reads, and nothing of its own")
    func evaluationSettings() throws {
        let run = try TinyRun()
        try run.evaluate()
        try run.evaluate(
            settings: ["search.epochs=9", "method=lfm", "optimizers.weights.rate=1"], resuming: true)
        for setting in [
            "evaluation.epochs=3", "evaluation.label_smoothing=0.1", "seed=4", "data.test_limit=5",
        ] {
            let error = failure { try run.evaluate(settings: [setting], resuming: true) }
            #expect(error.contains("started with another spec"), "\(setting): \(error)")
        }
    }

    @Test("A component's own setting is compared, whatever it is called")
    func componentSettings() throws {
        let run = try TinyRun([MarkedSpace()])
        try run.search("search_space=marked", "search.epochs=1")
        let error = failure {
            try run.search(
                ["search_space={name: marked, checkpoint_minutes: 1}", "search.epochs=1"], resuming: true)
        }
        #expect(error.contains("search_space.checkpoint_minutes was 5.0, is now 1.0"), "\(error)")
    }

    @Test("More epochs are refused, with what to do")
    func moreEpochs() throws {
        let run = try TinyRun()
        try run.search()
        let error = failure { try run.search(["search.epochs=3"], resuming: true) }
        #expect(
            error.contains("search.epochs was 2, is now 3") && error.contains("another directory"), "\(error)"
        )
    }

    @Test("A setting that an older version did not know counts as its default")
    func absentSettings() throws {
        let run = try TinyRun()
        try run.search()
        try run.rewind(.search)
        func forget(_ text: String) -> String {
            text.split(separator: "\n", omittingEmptySubsequences: false)
                .filter { !$0.contains("precision:") && !$0.contains("hessian_eigenvalue:") }
                .joined(separator: "\n")
        }
        try run.write(forget(try run.text("spec.yaml")), to: "spec.yaml")
        try run.edit(.search) { $0[attribute: "spec"] = .text(forget(try $0.text("spec"))) }
        let other = failure { try run.search(["precision=float64"], resuming: true) }
        #expect(other.contains("precision was float32, is now float64"), "\(other)")
        try run.search([], resuming: true)
    }

    @Test("Data that have changed are refused")
    func changedData() throws {
        let images = LabelledImages((0..<32).map { Int32($0 % 4) }, classes: ["a", "b", "c", "d"])
        let run = try TinyRun([images])
        try run.search("data.set=labelled")
        try run.rewind(.search)
        let original = images.contents.withLock { $0 }
        func refusal(_ change: (inout LabelledImages.Contents) -> Void) -> String {
            images.contents.withLock { change(&$0) }
            defer { images.contents.withLock { $0 = original } }
            return failure { try run.search(["data.set=labelled"], resuming: true) }
        }
        for error in [
            refusal { $0.labels.removeLast(2) }, refusal { $0.labels.swapAt(0, 1) },
            refusal { $0.classNames[0] = "other" }, refusal { $0.brightness = 1 },
        ] {
            #expect(error.contains("the data have changed"), "\(error)")
        }
        try run.search(["data.set=labelled"], resuming: true)
    }

    @Test("Steps an epoch are those it began with")
    func changedEpochs() throws {
        let run = try TinyRun()
        try run.search()
        try run.edit(.search) { $0[attribute: "steps_per_epoch"] = .integer(3) }
        let error = failure { try run.search([], resuming: true) }
        #expect(error.contains("an epoch had 3 steps, and has 2 now"), "\(error)")
    }

    @Test("Seconds add up over resumptions")
    func seconds() throws {
        let run = try TinyRun()
        try run.search()
        try run.rewind(.search)
        try run.edit(.search) { $0[attribute: "seconds"] = .number(1000) }
        try run.search([], resuming: true)
        #expect(try run.column("seconds", of: "search/epochs.csv").last! > 1000)
    }

    @Test("Rows that are gone are said")
    func gaps() throws {
        let run = try TinyRun()
        try run.search()
        try run.rewind(.search)
        try FileManager.default.removeItem(atPath: "\(run.path)/search/metrics.csv")
        try run.search([], resuming: true)
        #expect(run.lines.contains { $0.contains("metrics.csv") && $0.contains("1 to 2") }, "\(run.lines)")
    }

    @Test("A failed resumption changes nothing")
    func failedResumptions() throws {
        let run = try TinyRun()
        try run.search()
        try run.rewind(.search)
        try run.edit(.search) { $0[attribute: "data"] = .text("other images") }
        let (before, spec) = (run.files, try run.text("spec.yaml"))
        #expect(throws: FileError.self) { try run.search(["name=other"], resuming: true) }
        #expect(run.files == before)
        #expect(try run.text("spec.yaml") == spec)
    }
}
