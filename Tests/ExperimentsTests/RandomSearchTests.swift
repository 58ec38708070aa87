import ErrataCore
import Experiments
import Testing

@Suite("A random genotype in place of a search")
struct RandomSearchTests {
    @Test("It is written, drawn and evaluated as a found one, without a step")
    func files() throws {
        let run = try TinyRun()
        let settings = TinyRun.lfm + ["method=random", "search.steps_per_epoch=9"]
        let result = try run.search(settings)
        #expect(result.epoch == 0 && result.accuracy == nil && result.classMetrics.isEmpty)
        #expect(result.classNames.count == 4)
        #expect(!result.pictures.isEmpty && run.files.isSuperset(of: result.pictures))
        #expect(run.lines.isEmpty)
        #expect(try run.table("search/metrics.csv").isEmpty && run.table("search/epochs.csv").isEmpty)
        let again = try SearchResult(decoding: YAMLReader.read(file: run.directory.result(of: .search)))
        #expect(YAMLWriter.text(again.encoded) == YAMLWriter.text(result.encoded))
        let source = try EvaluationSource(run.directory) { spec in
            try Experiment(
                SpecOverlay.read(file: spec), registry: run.registry, defaults: TinyRun.defaults)
        }
        #expect(source.genotype.encoded == result.genotype)
        let evaluation = try run.run(false) {
            try EvaluationTask(source.experiment, genotype: source.genotype, on: run.backend)
        }
        #expect(evaluation.genotype == result.genotype && evaluation.testImages == 12)
        // Begun again, it ends with the same.
        #expect(try run.search(settings, resuming: true) == result)
    }

    @Test("Each seed has another, whatever the search's settings are")
    func seeds() throws {
        func genotype(_ settings: String...) throws -> ConfigurationValue {
            try TinyRun().search(TinyRun.lfm + ["method=random"] + settings).genotype
        }
        let found = try (0..<5).map { try genotype("seed=\($0)") }
        #expect(Set(found).count == 5)
        #expect(try genotype("seed=3", "search.epochs=7", "search.batch_size=4") == found[3])
        #expect(try genotype("seed=3", "hypergradient={name: exact, paths: [w1]}") == found[3])
    }

    @Test("Spaces of any kind are drawn from: without cells, in stages, with a cap on skip connections")
    func spaces() throws {
        let chain = try (0..<8).map { try TinyRun().search("method=random", "seed=\($0)").genotype }
        #expect(Set(chain).count > 3)
        for seed in 0..<6 {
            let run = try TinyRun()
            let result = try run.search(
                TinyRun.stagedCells + ["method=random", "seed=\(seed)", "search_space.normal_skips=0"])
            #expect(result.epoch == 0)
            #expect(try !run.text("genotype.yaml").contains("skip_connect") || skipsAreReductions(result))
        }
    }

    /// Whether skip connections stand in the reduction cell alone.
    private func skipsAreReductions(_ result: SearchResult) -> Bool {
        guard case .sequence(let edges)? = result.genotype["normal"]?.content else { return false }
        return !edges.contains { "\($0)".contains("skip_connect") }
    }

    @Test("Where A begins alike everywhere, nothing is drawn, and that is said")
    func notDrawn() throws {
        let error = failure {
            try TinyRun().search(TinyRun.lfm + ["method=random", "search_space.initial_deviation=0"])
        }
        #expect(error.contains("every seed would find the same"), "\(error)")
    }
}
