import Datasets
import ErrataCore
import Experiments
import Foundation
import NeuralNetworks
import TensorEngine
import Testing
import TinySpaces

extension TinyRun {
    /// W's loss on D_val with running statistics, from the checkpoint and without the run's code.
    func validationLoss(batchSize: Int) throws -> Double {
        let experiment = try experiment()
        let split = try Split(try experiment.data().training, random: RandomStream(seed: 3, "split"))
        let data = try experiment.data()
        let supernet = try ChainSpace().supernet(for: data.images)
        let archive = try checkpoint(.search)
        let model = archive.tensors.keys.first { $0.hasPrefix("levels/") }!.split(separator: "/")[1]
        let state = try state(supernet.layout, "levels/\(model)", archive)
        let architecture = try ChainSpace().architecture.parameters.map {
            try archive.tensor("architecture/parameters/\($0.name)", $0.shape, .float32, on: backend)
        }
        return try loss(on: split.validation, normalizedBy: split.training, batchSize) {
            try supernet.logits(
                $0, architecture: architecture, ForwardContext(state, normalization: .running))
        }
    }

    /// The trained network's loss on the test images with running statistics, likewise.
    func testLoss(_ genotype: String, batchSize: Int) throws -> Double {
        let data = try experiment().data()
        let network = try ChainSpace().network(
            ChainGenotype(parsing: genotype), ChainNetworkSettings(), for: data.images)
        let state = try state(network.layout, "network", checkpoint(.evaluation))
        return try loss(on: data.test, normalizedBy: data.training, batchSize) {
            try network.logits($0, ForwardContext(state, normalization: .running))
        }
    }

    private func state(_ layout: ModelLayout, _ path: String, _ archive: Archive) throws -> ModelState {
        func load(_ entries: [ModelLayout.Entry], _ group: String) throws -> [Tensor] {
            try entries.map {
                try archive.tensor("\(path)/\(group)/\($0.name)", $0.shape, .float32, on: backend)
            }
        }
        return ModelState(
            parameters: try load(layout.parameters, "parameters"),
            buffers: try load(layout.buffers, "buffers"))
    }

    private func loss(
        on images: any Dataset, normalizedBy training: any Dataset, _ batchSize: Int,
        _ logits: (Tensor) throws -> Tensor
    ) throws -> Double {
        let loader = try BatchLoader(
            images, .evaluation(batchSize: batchSize, normalization: PixelNormalization(of: training)),
            on: backend, random: RandomStream(seed: 0))
        var total = 0.0
        for step in 0..<loader.batchesPerEpoch {
            let batch = try loader.batch(step: step)
            total += try logits(batch.images).crossEntropies(batch.labels).sum().item()
        }
        return total / Double(images.count)
    }
}

@Suite("What an evaluation trains and measures")
struct EvaluationTests {
    private static let genotype = "Chain(conv_3x3, conv_1x1, identity)"

    @Test("The test is the last epoch's weights', by running statistics")
    func test() throws {
        let run = try TinyRun()
        let result = try run.evaluate(Self.genotype)
        for batchSize in [1, 12] {
            #expect(abs(try run.testLoss(Self.genotype, batchSize: batchSize) - result.testLoss) < 1e-6)
        }
        #expect(result.testImages == 12 && result.epochs == 2)
        #expect(try run.column("test_error", of: "evaluation/epochs.csv").last == result.testError)
        let classes = try run.table("evaluation/classes.csv").suffix(4)
        #expect(classes.map { Double($0["error"]!) } == result.classErrors)
        let wrong = classes.reduce(0.0) { $0 + Double($1["images"]!)! * Double($1["error"]!)! }
        #expect(abs(wrong / 12 - result.testError) < 1e-12)
    }

    @Test("A step trains on the batch that the seed draws", arguments: [3, 4])
    func firstStep(_ seed: Int) throws {
        let run = try TinyRun()
        let settings = ["seed=\(seed)", "evaluation.epochs=1", "evaluation.steps_per_epoch=1"]
        try run.evaluate(Self.genotype, settings: settings)
        let experiment = try run.experiment(settings)
        let (data, spec) = (try experiment.data(), experiment.spec.evaluation)
        let retraining = Retraining(
            network: try ChainSpace().network(
                ChainGenotype(parsing: Self.genotype), ChainNetworkSettings(), for: data.images),
            descent: spec.weights.descent, labelSmoothing: 0, seed: UInt64(seed))
        let batches = try BatchLoader(
            data.training,
            .init(
                batchSize: 8, augmentation: spec.augmentation,
                normalization: PixelNormalization(of: data.training)),
            on: run.backend, random: RandomStream(seed: UInt64(seed), "evaluation batches"))
        var model = try retraining.initialModel(on: run.backend, .float32)
        _ = try retraining.step(
            &model, on: batches.batch(step: 0), at: TrainingTime(epochs: 1, stepsPerEpoch: 1))
        let archive = try run.checkpoint(.evaluation)
        for (entry, tensor) in zip(model.layout.parameters, model.state.parameters) {
            let found = try archive.tensor(
                "network/parameters/\(entry.name)", entry.shape, .float32, on: run.backend)
            #expect(try found.doubles() == tensor.doubles(), "\(entry.name)")
        }
    }

    @Test(
        "Every setting decides something",
        arguments: [
            "seed=4", "precision=float64", "data.limit=30", "evaluation.epochs=3", "evaluation.batch_size=4",
            "evaluation.steps_per_epoch=1", "evaluation.augmentation.crop_padding=2",
            "evaluation.augmentation.horizontal_flip=false", "evaluation.augmentation.cutout=0",
            "evaluation.label_smoothing=0.1", "evaluation.weights.rate=0.1",
            "evaluation.weights.schedule=constant",
            "evaluation.weights.schedule.minimum=0.02", "evaluation.weights.optimizer.weight_decay=0.1",
            "evaluation.weights.optimizer=adam", "evaluation.weights.clip=0.01",
            "evaluation.network.channels=3",
        ])
    func decides(_ setting: String) throws {
        func tensors(_ settings: [String]) throws -> [String: Archive.Entry] {
            let run = try TinyRun()
            try run.evaluate(Self.genotype, settings: settings)
            return try run.checkpoint(.evaluation).tensors
        }
        #expect(try tensors([setting]) != tensors([]))
    }

    @Test func testImagesMayBeFewer() throws {
        #expect(try TinyRun().evaluate(settings: ["data.test_limit=5"]).testImages == 5)
    }

    @Test(
        "Cells' heads and dropped paths reach the training",
        arguments: [
            "evaluation.network.drop_path=0.9", "evaluation.network.cells=4",
        ])
    func cells(_ setting: String) throws {
        func tensors(_ settings: [String]) throws -> [String: Archive.Entry] {
            let run = try TinyRun()
            try run.evaluate(
                "Genotype(normal=[('sep_conv_3x3', 0), ('skip_connect', 1)], reduce=[('max_pool_3x3', 0), ('skip_connect', 1)])",
                settings: TinyRun.lfm + settings)
            return try run.checkpoint(.evaluation).tensors
        }
        #expect(try tensors([setting]) != tensors([]))
    }

    @Test("Checkpoints come as often as is asked")
    func checkpointMinutes() throws {
        for (minutes, step) in [("0", 7), ("5", 4)] {
            let run = try TinyRun()
            try run.evaluate(settings: ["evaluation.checkpoint_minutes=\(minutes)"])
            let store = CheckpointStore(run.directory.checkpoints(of: .evaluation).previousPath)
            #expect(try store.read().integer("step") == step)
        }
    }
}

@Suite("What is evaluated")
struct EvaluationSourceTests {
    private func source(_ run: TinyRun, _ path: String? = nil) throws -> EvaluationSource {
        try EvaluationSource(RunDirectory(path ?? run.path)) { spec in
            try Experiment(
                SpecOverlay.read(file: spec), registry: run.registry, defaults: TinyRun.defaults)
        }
    }

    @Test("A directory of a search, and one of its evaluation elsewhere, mean the same")
    func directories() throws {
        let run = try TinyRun()
        let result = try run.search("evaluation.epochs=1")
        let found = try source(run)
        #expect(found.genotype.encoded == result.genotype && found.search?.accuracy == result.accuracy)
        #expect(found.experiment.spec.evaluation.epochs == 1)
        let other = "\(run.folder.path)/other"
        try _ = run.run(in: other, false) {
            try EvaluationTask(found.experiment, genotype: found.genotype, on: run.backend)
        }
        let again = try source(run, other)
        #expect(again.genotype.encoded == result.genotype && again.search == nil)
        #expect(again.experiment.spec.evaluation.epochs == 1)
        // Before it has ended, its checkpoint says what it trains.
        try FileManager.default.removeItem(atPath: "\(other)/evaluation/result.yaml")
        #expect(try source(run, other).genotype.encoded == result.genotype)
    }

    @Test("Two files that say different things are refused")
    func editedGenotypes() throws {
        let run = try TinyRun()
        try run.search("search.epochs=1")
        let found = try source(run).genotype
        let other = ["identity", "conv_1x1"].map { "Chain(\($0), \($0), \($0))" }.first { "\(found)" != $0 }!
        try run.write(other, to: "genotype.yaml")
        let error = failure { _ = try source(run) }
        #expect(
            error.contains("genotype.yaml") && error.contains("was edited") && error.contains("--spec"),
            "\(error)")
        try FileManager.default.removeItem(atPath: run.directory.genotype)
        #expect(try source(run).genotype.encoded == found.encoded)
    }

    @Test("What has not ended, or is no run, is said")
    func unfinished() throws {
        let run = try TinyRun()
        try run.search("search.epochs=1")
        try FileManager.default.removeItem(atPath: run.directory.result(of: .search))
        let error = failure { _ = try source(run) }
        #expect(
            error.contains("has not ended") && error.contains("--resume") && error.contains("genotype.yaml"))
        let nothing = failure { _ = try source(run, run.folder.path) }
        #expect(nothing == "\(run.folder.path): holds no run")
    }

    @Test(
        "A file is read in any of the space's forms",
        arguments: [
            "Chain(conv_3x3, identity, conv_1x1)",
            "2025-01-01 12:00:00 found Chain(conv_3x3, identity, conv_1x1)\n",
            "layers: [conv_3x3, identity, conv_1x1]\n",
            // The comment of a file whose YAML was edited is no genotype.
            "# Chain(identity, identity, identity)\nlayers: [conv_3x3, identity, conv_1x1]\n",
        ])
    func files(_ text: String) throws {
        let run = try TinyRun()
        try run.write(text, to: "found.yaml")
        let genotype = try GenotypeFile.read("\(run.path)/found.yaml", in: ChainSpace())
        #expect("\(genotype)" == "Chain(conv_3x3, identity, conv_1x1)")
    }

    @Test("A published genotype is found by its name, where no file is called so")
    func published() throws {
        let run = try TinyRun()
        let cells = try run.experiment(TinyRun.lfm)
        func genotype(_ source: String, in experiment: Experiment? = nil) throws -> String {
            "\(try EvaluationSource(genotype: source, of: experiment ?? cells).genotype)"
        }
        let names = [
            "DARTS_V1", "DARTS_V2", "PDARTS", "PC_DARTS_cifar", "PC_DARTS_image", "NASNet", "AmoebaNet",
        ]
        #expect(try Set(names.map { try genotype($0) }).count == names.count)
        #expect(try genotype("NASNet").contains("sep_conv_7x7"))
        let result = try run.run(false) {
            try EvaluationTask(
                cells, genotype: EvaluationSource(genotype: "AmoebaNet", of: cells).genotype, on: run.backend)
        }
        #expect(result.testImages == 12)
        let error = failure { _ = try genotype("DARTS_V3") }
        #expect(
            error.hasPrefix("DARTS_V3: ") && error.contains("did you mean 'DARTS_V1'")
                && error.contains("(there are: \(names.joined(separator: ", ")))"), "\(error)")
        let nothing = failure { _ = try genotype("DARTS_V2", in: run.experiment()) }
        #expect(nothing == "DARTS_V2: there is no such file")
        // A file goes before a name.
        let other = try genotype("DARTS_V1")
        let file = "\(run.folder.path)/DARTS_V2"
        try other.write(toFile: file, atomically: true, encoding: .utf8)
        #expect(try genotype(file) == other)
    }

    @Test("What cannot be read is said where it stands")
    func damagedFiles() throws {
        let run = try TinyRun()
        try run.write("layers: [conv_3x3, idntity, conv_1x1]\n", to: "found.yaml")
        let error = failure { _ = try GenotypeFile.read("\(run.path)/found.yaml", in: ChainSpace()) }
        #expect(error.contains("found.yaml:1:20") && error.contains("did you mean 'identity'"), "\(error)")
    }
}
