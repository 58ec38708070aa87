import Experiments
import Foundation
import Testing

@Suite("A run begins whole or not at all")
struct RunStartTests {
    @Test("A start that fails leaves nothing, and the corrected one needs no --resume")
    func failedStarts() throws {
        let run = try TinyRun()
        for settings in [
            ["search.batch_size=64"], ["data.limit=10"], ["evaluation.augmentation.cutout=8"],
            ["hypergradient={name: exact, paths: [w3]}"],
        ] {
            #expect(throws: (any Error).self, "\(settings)") { try run.search(settings) }
            #expect(!FileManager.default.fileExists(atPath: run.path), "\(settings)")
        }
        #expect(throws: (any Error).self) {
            try run.evaluate("Chain(identity, identity, identity)", settings: ["evaluation.batch_size=64"])
        }
        #expect(!FileManager.default.fileExists(atPath: run.path))
        try run.search("search.epochs=1")
        try run.evaluate()
    }

    @Test("A first step that fails leaves nothing either")
    func failedFirstSteps() throws {
        let run = try TinyRun()
        let error = failure { try run.search("optimizers.weights.rate=1e30", "optimizers.weights.clip=null") }
        #expect(error.contains("optimizers.weights.rate"), "\(error)")
        #expect(!FileManager.default.fileExists(atPath: run.path))
        // What lay there before stays.
        try run.write("mine", to: "notes.txt")
        #expect(throws: (any Error).self) {
            try run.search("optimizers.weights.rate=1e30", "optimizers.weights.clip=null")
        }
        #expect(run.files == ["notes.txt"])
    }

    @Test("A start that was killed before its first row is no run")
    func killedStarts() throws {
        let run = try TinyRun()
        try run.search("search.epochs=1")
        for name in run.files where !["spec.yaml", "lock", "search", "search/metrics.csv"].contains(name) {
            try? FileManager.default.removeItem(atPath: "\(run.path)/\(name)")
        }
        let header = try run.text("search/metrics.csv").split(separator: "\n")[0]
        try run.write("\(header)\n", to: "search/metrics.csv")
        try run.write("half", to: "search/checkpoint.h5.4711.part")
        try run.write("half", to: "genotype.yaml.4711.part")
        try run.search("search.epochs=1", "seed=4")
        #expect(try run.text("spec.yaml").contains("seed: 4"))
        #expect(!run.files.contains { $0.hasSuffix(".part") })
    }

    @Test(
        "A checkpoint, a row or a result is a run, whatever else is lost",
        arguments: [
            "search/checkpoint.h5", "search/checkpoint.h5.previous", "search/metrics.csv",
            "search/epochs.csv",
            "search/result.yaml",
        ])
    func runs(_ left: String) throws {
        let run = try TinyRun()
        try run.search()
        for name in run.files where name.contains(".") && name != left {
            try? FileManager.default.removeItem(atPath: "\(run.path)/\(name)")
        }
        let before = run.files
        let error = failure { try run.search() }
        #expect(error.contains("holds a run already") && error.contains("--resume"), "\(error)")
        #expect(run.files.subtracting(["lock"]) == before.subtracting(["lock"]))
    }

    @Test(
        "Somebody's own file is refused by name, and not touched",
        arguments: [
            "spec.yaml", "genotype.yaml", "lock", "search/metrics.csv", "search/drawings/normal.dot",
            "search/samples/holiday.png",
        ])
    func foreignFiles(_ name: String) throws {
        let run = try TinyRun()
        try run.write("name: mine\n", to: name)
        let before = run.files
        for resuming in [false, true] {
            let error = failure { try run.search([], resuming: resuming) }
            #expect(error.hasPrefix("\(run.path)/\(name): is not a file of a run's"), "\(error)")
            #expect(try run.text(name) == "name: mine\n")
            #expect(run.files == before)
        }
    }

    @Test("What is called like a leftover, and is none of a run's files, stays")
    func foreignParts() throws {
        let run = try TinyRun()
        for name in ["search/data.7.part", "spec.yaml.backup.part", "drawing.svg.part"] {
            try run.write("mine", to: name)
        }
        try run.search("search.epochs=1")
        for name in ["search/data.7.part", "spec.yaml.backup.part", "drawing.svg.part"] {
            #expect(try run.text(name) == "mine")
        }
    }

    @Test("A directory in use is left as it is")
    func inUse() throws {
        let run = try TinyRun()
        try FileManager.default.createDirectory(atPath: run.path, withIntermediateDirectories: true)
        let lock = try RunLock(run.directory.lock)
        let error = failure { try run.search() }
        #expect(error.contains("another process runs this experiment"), "\(error)")
        #expect(run.files == ["lock"])
        withExtendedLifetime(lock) {}
    }

    @Test("What is not used is not built")
    func unusedParts() throws {
        let run = try TinyRun()
        let odd = ["data.set.height=13", "data.set.width=13", "search.epochs=1"]
        try run.search(odd)
        let error = failure {
            try run.search(odd + ["method=lfm"], in: "\(run.folder.path)/lfm")
        }
        #expect(error.contains("13×13"), "\(error)")
        let none = failure {
            try run.search("method=lfm", "generator=null", in: "\(run.folder.path)/lfm")
        }
        #expect(none.contains("the method needs a generator"), "\(none)")
    }

    @Test(
        "What evaluation cannot build is said before a search begins",
        arguments: [
            (
                [
                    "search_space={name: darts, channels: 2, cells: 3}",
                    "evaluation.network={auxiliary: true}",
                ], "evaluation.network"
            ),
            (["evaluation.augmentation.cutout=8"], "evaluation.augmentation"),
            (["evaluation.batch_size=33"], "evaluation.batch_size"),
        ])
    func evaluations(_ settings: [String], _ name: String) throws {
        let run = try TinyRun()
        let error = failure { try run.search(settings) }
        #expect(error.contains(name), "\(error)")
    }

    @Test("Too few images for a batch: the part and the settings are named")
    func batches() throws {
        let run = try TinyRun()
        let fraction = failure { try run.search("data.training_fraction=0.9") }
        #expect(
            fraction
                == "D_val has 3 images, and a batch 8: lower search.batch_size, or change data.limit or data.training_fraction"
        )
        let limit = failure { try run.search("data.limit=10", "evaluation.batch_size=2") }
        #expect(limit.hasPrefix("D_tr has 5 images") && limit.contains("data.limit"), "\(limit)")
        let much = failure { try run.search("data.limit=100") }
        #expect(much == "data.limit is 100, but there are 32 images")
        let test = failure { try run.search("data.test_limit=100") }
        #expect(test == "data.test_limit is 100, but there are 12 images")
    }

    @Test("More steps than an epoch has are said")
    func steps() throws {
        let run = try TinyRun()
        try run.search("search.steps_per_epoch=1000", "search.epochs=1")
        #expect(run.lines.contains("search.steps_per_epoch is 1000, but D_tr makes 2 steps: an epoch has 2"))
        #expect(try run.table("search/metrics.csv").count == 2)
        try run.evaluate("Chain(identity, identity, identity)", settings: ["evaluation.steps_per_epoch=9"])
        #expect(
            run.lines.contains { $0.hasPrefix("evaluation.steps_per_epoch is 9") && $0.hasSuffix("has 4") })
    }

    @Test("Classes that the images lack, or a half of them, are named")
    func classes() throws {
        let labels = (0..<32).map { Int32($0 == 31 ? 2 : $0 % 2) }
        let run = try TinyRun([LabelledImages(labels, classes: ["a", "b", "rare", "ghost"])])
        try run.search("data.set=labelled", "search.epochs=1")
        #expect(
            run.lines.contains { $0.hasPrefix("the training part has no image of 1 of 4 classes: 'ghost'") })
        // The rows of classes without images are empty.
        let ghost = try run.table("search/classes.csv").filter { $0["name"] == "ghost" }
        #expect(ghost.map { $0["w2_loss"] ?? $0["w_loss"] } == [""] && ghost[0]["images"] == "0")
        let halves = try TinyRun([LabelledImages(labels, classes: ["a", "b", "rare"])])
        try halves.search("data.set=labelled", "search.epochs=1")
        #expect(halves.lines.contains { $0.hasPrefix("D_") && $0.contains("'rare'") }, "\(halves.lines)")
    }

    @Test("A warm-up that leaves no epoch to A is an error")
    func warmups() throws {
        let run = try TinyRun()
        for epochs in [2, 300] {
            let error = failure { try run.search("search.architecture_warmup=\(epochs)") }
            #expect(error.contains("architecture_warmup is \(epochs)"), "\(error)")
        }
    }

    @Test("A picture that cannot be made is said, and ends nothing")
    func pictures() throws {
        let labels = (0..<32).map { Int32($0 % 2) }
        let run = try TinyRun([LabelledImages(labels, classes: ["a", "b"], channels: 4)])
        let result = try run.search(TinyRun.lfm + ["data.set=labelled"])
        #expect(run.lines.contains { $0.hasPrefix("generated images of 4 channels are not drawn") })
        #expect(!result.pictures.contains { $0.hasSuffix(".png") })
    }

    @Test("Numbers that are not finite never get into a checkpoint, and the setting is named")
    func infiniteStates() throws {
        let run = try TinyRun()
        let error = failure {
            try run.search(TinyRun.lfm + ["method=bilevel", "search_space.initial_deviation=1e30"])
        }
        #expect(error.contains("optimizers.architecture.rate"), "\(error)")
        #expect(!run.directory.checkpoints(of: .search).exists)
    }

    @Test("A hypergradient that diverges names its own setting")
    func divergedHypergradients() throws {
        let run = try TinyRun()
        let error = failure {
            try run.search(
                "hypergradient={name: neumann, rate: 1000, iterations: 200, tolerance: 0}",
                "search.epochs=1")
        }
        #expect(error.contains("hypergradient.rate"), "\(error)")
    }

    @Test("A loss that has grown beyond a guess's is said at the end")
    func grownLosses() throws {
        let run = try TinyRun()
        try run.search("optimizers.weights.rate=1000")
        #expect(
            run.lines.contains { $0.contains("loss has grown") && $0.contains("optimizers.weights.rate") })
        try run.evaluate("Chain(conv_3x3, conv_3x3, conv_3x3)", settings: ["evaluation.weights.rate=1000"])
        #expect(
            run.lines.contains { $0.contains("loss has grown") && $0.contains("evaluation.weights.rate") })
        try run.search([], in: "\(run.folder.path)/sane")
        #expect(!run.lines.contains { $0.contains("loss has grown") })
    }

    @Test("A minimum above the rate is refused")
    func schedules() throws {
        let run = try TinyRun()
        for section in ["optimizers.weights", "evaluation.weights"] {
            let error = failure { try run.search("\(section).schedule={name: cosine, minimum: 5}") }
            #expect(error.contains("\(section): "), "\(error)")
        }
    }

    @Test("Paths of A through which nothing flows are said")
    func paths() throws {
        let run = try TinyRun()
        let settings = TinyRun.lfm + ["generator.discriminator=native"]
        let unknown = failure {
            try run.search(settings + ["hypergradient={name: exact, paths: [discriminator]}"])
        }
        #expect(unknown.contains("hypergradient.paths"), "\(unknown)")
        try run.search(
            settings + [
                "search.epochs=2", "search.steps_per_epoch=1", "method.generator_warmup=1",
                "hypergradient={name: exact, paths: [class_weights]}",
            ])
        #expect(run.lines.contains { $0.hasPrefix("A's gradient was 0 throughout epoch 1") })
        #expect(!run.lines.contains { $0.hasPrefix("A's gradient was 0 throughout epoch 2") })
    }

    @Test("What is reported without a declared column is an error")
    func undeclared() throws {
        let run = try TinyRun([MarkedSpace()])
        try run.search("search_space=marked")
        #expect(try run.column("largest", of: "search/epochs.csv").count == 2)
        let error = failure {
            try run.search(
                "search_space={name: marked, declared: false}", in: "\(run.folder.path)/undeclared")
        }
        #expect(error.contains("'largest' was reported"), "\(error)")
    }
}
