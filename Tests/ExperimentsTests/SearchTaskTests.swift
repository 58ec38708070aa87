import Datasets
import ErrataCore
import Experiments
import Foundation
import TensorEngine
import Testing

@Suite("What a search measures, chooses and keeps")
struct SearchTaskTests {
    @Test("The best epoch is that of the best validation accuracy", arguments: 0..<4)
    func bestEpoch(_ seed: Int) throws {
        let run = try TinyRun()
        let result = try run.search(
            "search.epochs=5", "seed=\(seed)", "optimizers.weights.rate=0.1", "data.set.count=96",
            "data.set.classes=2")
        let accuracies = try run.column("validation_accuracy", of: "search/epochs.csv")
        try #require(Set(accuracies).count > 1)
        #expect(result.accuracy == accuracies.max())
        #expect(result.epoch == accuracies.firstIndex(of: accuracies.max()!)! + 1)
        // It is the genotype of that epoch that was found.
        let file = String(format: "search/genotypes/epoch-%03d.yaml", result.epoch)
        #expect(try run.text("genotype.yaml") == run.text(file))
    }

    @Test("Only epochs after A's first step compete, and those of the last stage", arguments: 0..<3)
    func competingEpochs(_ seed: Int) throws {
        let run = try TinyRun()
        let settings = ["seed=\(seed)", "optimizers.weights.rate=0.5", "search.architecture_warmup=1"]
        #expect(try run.search(settings).epoch == 2)
        let rates = try run.column("architecture_learning_rate", of: "search/metrics.csv")
        #expect(rates.prefix(2).allSatisfy { $0 == 0 } && rates.suffix(2).allSatisfy { $0 > 0 })
        let staged = try run.search(
            TinyRun.progressive + settings, in: "\(run.folder.path)/staged")
        #expect(staged.epoch == 4)
    }

    @Test("Other readings of A lie beside the last stage's genotypes, and are read as genotypes")
    func alternatives() throws {
        let run = try TinyRun()
        try run.search(
            TinyRun.stagedCells + [
                "search_space.operations=[none, skip_connect, sep_conv_3x3, "
                    + "max_pool_3x3]", "search_space.stages=[{}, {candidates: 3}]",
            ])
        let names = try FileManager.default.contentsOfDirectory(atPath: "\(run.path)/search/genotypes")
            .sorted()
        let skips = try run.column("skips_normal", of: "search/epochs.csv").map(Int.init)
        try #require(skips[1] > 0)
        #expect(
            names
                == ["epoch-001.yaml"] + (0..<skips[1]).map { "epoch-002-skips-\($0).yaml" } + [
                    "epoch-002.yaml"
                ])
        let space = try run.experiment(TinyRun.stagedCells).searchSpace
        let genotype = try GenotypeFile.read("\(run.path)/search/genotypes/epoch-002-skips-0.yaml", in: space)
        #expect(!"\(genotype)".split(separator: "reduce")[0].contains("skip_connect"))
    }

    @Test("Class by class, each classifier beside the other, in a table of its own")
    func classes() throws {
        let run = try TinyRun()
        let result = try run.search(TinyRun.lfm + ["search.epochs=2"])
        let rows = try run.table("search/classes.csv")
        #expect(rows.count == 8)
        #expect(rows.prefix(4).map { $0["name"] } == result.classNames)
        let last = rows.suffix(4)
        for id in ["w1", "w2"] {
            let correct = last.reduce(0.0) {
                $0 + Double($1["images"]!)! * (Double($1["\(id)_accuracy"]!) ?? 0)
            }
            let loss = last.reduce(0.0) { $0 + Double($1["images"]!)! * (Double($1["\(id)_loss"]!) ?? 0) }
            let column = id == "w1" ? "w1_validation_" : "validation_"
            let epoch = try #require(run.table("search/epochs.csv").last)
            #expect(abs(correct / 16 - Double(epoch["\(column)accuracy"]!)!) < 1e-12)
            #expect(abs(loss / 16 - Double(epoch["\(column)loss"]!)!) < 1e-6)
        }
        // The method's own metrics are the result's.
        let weights = try #require(result.classMetrics.first { $0.name == "weight" })
        #expect(weights.values == last.map { Double($0["weight"]!) })
        // No column of a step is a class's.
        let columns = try run.text("search/metrics.csv").split(separator: "\n")[0]
        #expect(!columns.contains("class_loss"), "\(columns)")
        #expect(run.shown.keys.contains("w2") && run.shown.keys.contains("val"))
    }

    @Test("The result reads back as it was")
    func result() throws {
        let run = try TinyRun()
        let result = try run.search(TinyRun.lfm)
        func read<Result: Configuration>(_ kind: RunKind) throws -> Result {
            try Result(decoding: YAMLReader.read(file: run.directory.result(of: kind)))
        }
        let found: SearchResult = try read(.search)
        #expect(YAMLWriter.text(found.encoded) == YAMLWriter.text(result.encoded))
        #expect(found.classMetrics == result.classMetrics && found.pictures == result.pictures)
        let evaluation = try run.evaluate()
        let measured: EvaluationResult = try read(.evaluation)
        #expect(YAMLWriter.text(measured.encoded) == YAMLWriter.text(evaluation.encoded))
        #expect(measured.testLoss == evaluation.testLoss && measured.classErrors == evaluation.classErrors)
    }

    @Test("Signs of collapse stand in the table, the dear one where it is asked for")
    func signs() throws {
        let run = try TinyRun()
        try run.search(TinyRun.progressive + ["search.epochs=1"])
        #expect(try run.table("search/epochs.csv")[0]["hessian_eigenvalue"] == nil)
        let cells = try TinyRun()
        try cells.search(
            TinyRun.lfm + ["method=bilevel", "search.hessian_eigenvalue=true", "search.steps_per_epoch=1"])
        let row = try cells.table("search/epochs.csv")[0]
        #expect(row["hessian_eigenvalue"].flatMap { Double($0) }?.isFinite == true)
        #expect(
            row.keys.contains { $0.hasPrefix("skips_") } && row.keys.contains { $0.hasPrefix("entropy_") })
    }

    @Test("Validation is by running statistics: a class's images do not depend on the rest of their batch")
    func runningStatistics() throws {
        // The batches that are measured have twice the search's size; those of one epoch are all of D_val.
        let run = try TinyRun()
        try run.search(
            "search.epochs=1", "search.batch_size=16", "search.steps_per_epoch=1",
            "data.training_fraction=0.5")
        let whole = try run.column("validation_loss", of: "search/epochs.csv")
        #expect(whole.count == 1)
        let (one, other) = (try run.validationLoss(batchSize: 1), try run.validationLoss(batchSize: 16))
        #expect(abs(one - other) < 1e-6 && abs(one - whole[0]) < 1e-6)
    }

    @Test("A step of K batches takes the next K, and an epoch is a pass of them")
    func batches() throws {
        let run = try TinyRun()
        let experiment = try run.experiment()
        let split = try Split(try experiment.data().training, random: RandomStream(seed: 3, "split"))
        let normalization = try PixelNormalization(of: split.training)
        var settings = SearchSettings()
        settings.batchSize = 2
        settings.augmentation = Augmentation(cropPadding: 1)
        func batches(_ requests: BatchRequest...) throws -> SearchBatches {
            try SearchBatches(
                requests, of: split, settings, .float32, normalization, seed: 3, on: run.backend)
        }
        let threefold = try batches(
            BatchRequest("training", of: .training, count: 3, includesOriginals: true, isAugmented: true),
            BatchRequest("validation", of: .validation))
        #expect(threefold.stepsPerEpoch == 2)
        func loader(_ label: String, _ part: any Dataset, _ augmentation: Augmentation) throws -> BatchLoader
        {
            try BatchLoader(
                part, .init(batchSize: 2, augmentation: augmentation, normalization: normalization),
                on: run.backend, random: RandomStream(seed: 3, label))
        }
        let training = try loader("training batches", split.training, settings.augmentation)
        let validation = try loader("validation batches", split.validation, .none)
        for step in 0..<4 {
            let found = try threefold.batches(step: step)
            #expect(found["training"].count == 3 && found["validation"].count == 1)
            for (index, batch) in found["training"].enumerated() {
                let expected = try training.batch(step: 3 * step + index)
                #expect(try batch.images.doubles() == expected.images.doubles())
                #expect(batch.originals != nil)
            }
            #expect(
                try found["validation"][0].images.doubles() == validation.batch(step: step).images.doubles())
            #expect(found["validation"][0].originals == nil)
        }
        let error = failure { _ = try batches(BatchRequest("training", of: .training, count: 9)) }
        #expect(error.contains("a step takes 9 batches of 2 images, and there are 8"), "\(error)")
    }
}

@Suite("Every setting of a search decides something")
struct SearchSettingTests {
    /// What a search comes to, in numbers.
    private func tensors(_ settings: [String]) throws -> [String: Archive.Entry] {
        let run = try TinyRun()
        try run.search(settings)
        return try run.checkpoint(.search).tensors
    }

    @Test(arguments: [
        "seed=4", "precision=float64", "data.training_fraction=0.6", "data.limit=30", "data.set.noise=0.2",
        "search.epochs=3", "search.steps_per_epoch=1", "search.batch_size=4",
        "search.augmentation.crop_padding=2", "search.augmentation.horizontal_flip=false",
        "search.augmentation.cutout=3", "search.architecture_warmup=1", "optimizers.weights.rate=0.1",
        "optimizers.weights.schedule=constant", "optimizers.weights.optimizer.momentum=0.5",
        "optimizers.weights.optimizer=adam", "optimizers.weights.clip=0.01",
        "optimizers.architecture.rate=0.1",
        "optimizers.architecture.schedule=cosine", "optimizers.architecture.optimizer.weight_decay=0.5",
        "optimizers.architecture.clip=0.0001", "hypergradient=exact", "method.order=architecture-first",
    ])
    func decides(_ setting: String) throws { #expect(try tensors([setting]) != tensors([])) }

    @Test(
        "What a method is built from reaches W2",
        arguments: [
            "method.lambda=0.5", "method.augment_synthetic=true", "weighter=uniform", "generator.channels=5",
            "generator.training.generator.rate=0.1", "generator.discriminator=native",
        ])
    func methods(_ setting: String) throws {
        let settings = TinyRun.lfm + ["search.augmentation={crop_padding: 3, cutout: 5}"]
        func w2(_ more: String...) throws -> [String: Archive.Entry] {
            try tensors(settings + more).filter { $0.key.hasPrefix("levels/w2/parameters") }
        }
        #expect(try w2(setting) != w2())
    }

    @Test func theSameSettingsDecideTheSame() throws { #expect(try tensors([]) == tensors([])) }

    @Test func theNameIsASpecsAlone() throws { #expect(try tensors(["name=other"]) == tensors([])) }

    @Test("Columns of a grid of samples widen it")
    func sampleColumns() throws {
        func width(_ columns: Int) throws -> Int {
            let run = try TinyRun()
            try run.search(TinyRun.lfm + ["search.steps_per_epoch=1", "search.sample_columns=\(columns)"])
            let png = try AtomicFile.read("\(run.path)/search/samples/epoch-001.png")
            return png[16..<20].reduce(0) { $0 << 8 | Int($1) }
        }
        #expect(try width(3) - width(2) == 18)
    }

    @Test("Checkpoints come as often as is asked")
    func checkpointMinutes() throws {
        for (minutes, step) in [("0", 3), ("5", 2)] {
            let run = try TinyRun()
            try run.search("search.checkpoint_minutes=\(minutes)")
            let store = CheckpointStore(run.directory.checkpoints(of: .search).previousPath)
            #expect(try store.read().integer("step") == step)
        }
    }
}
