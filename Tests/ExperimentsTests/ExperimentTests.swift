import Datasets
import ErrataCore
import Experiments
import Foundation
import TensorEngine
import Testing

@Suite("A spec becomes an experiment")
struct ExperimentTests {
    private func experiment(_ text: String, _ defaults: ComponentDefaults = TinyRun.defaults) throws
        -> Experiment
    {
        try Experiment(
            YAMLReader.read(text, source: "x.yaml"), registry: TinyRun().registry, defaults: defaults)
    }

    @Test("What a spec does not choose is the program's choice")
    func defaults() throws {
        let spec = try experiment("search_space: {name: darts}\nseed: 7\n").spec
        #expect(spec.method.name == "bilevel" && spec.generator?.name == "dcgan")
        #expect(spec.hypergradient.name == "first-order" && spec.data.set.name == "procedural")
        #expect(spec.searchSpace.name == "darts" && spec.seed == 7)
        // Settings without a name are the default component's.
        let settings = try experiment("data: {set: {count: 99}}").spec.data.set
        #expect(settings.name == "procedural" && settings.settings["count"]?.text == "99")
        let bare = ComponentDefaults(searchSpace: "tiny-chain", method: "bilevel", dataset: "procedural")
        #expect(try experiment("{}", bare).spec.generator == nil)
        #expect(try experiment("generator: dcgan", bare).spec.generator?.name == "dcgan")
    }

    @Test("Limits choose images by the seed")
    func limits() throws {
        let run = try TinyRun()
        func images(_ seed: Int, _ limits: String...) throws -> (training: [UInt8], test: [UInt8]) {
            let data = try run.experiment(["seed=\(seed)"] + limits).data()
            func bytes(_ set: any Dataset) throws -> [UInt8] {
                try (0..<set.count).flatMap { try set.image($0) }
            }
            return (try bytes(data.training), try bytes(data.test))
        }
        let limits = ["data.limit=9", "data.test_limit=5"]
        let (one, other) = (try images(3, limits[0], limits[1]), try images(4, limits[0], limits[1]))
        #expect(one != other && one.training.count == 9 * 64 && one.test.count == 5 * 64)
        let whole = try run.experiment().data()
        let expected = try whole.training.limited(to: 9, random: RandomStream(seed: 3, "limit"))
        #expect(try one.training == (0..<9).flatMap { try expected.image($0) })
        #expect(try images(3, limits[0]).test.count == whole.test.count * 64)
    }

    @Test("A long tail is of the training images alone, before the limit")
    func longTail() throws {
        let run = try TinyRun()
        func data(_ settings: String...) throws -> ImageData { try run.experiment(settings).data() }
        let (whole, tail) = (try data(), try data("data.long_tail.ratio=4"))
        let expected = try whole.training.longTailed(
            ratio: 4, random: RandomStream(seed: run.experiment().seed, "long tail"))
        #expect(tail.training.classCounts == expected.classCounts)
        #expect(try (0..<expected.count).allSatisfy { try tail.training.image($0) == expected.image($0) })
        #expect(tail.training.count < whole.training.count && tail.test.count == whole.test.count)
        #expect(
            try data("data.long_tail={ratio: 4, kind: step}").training.classCounts
                == whole.training.longTailed(ratio: 4, kind: .step, random: RandomStream(seed: 0)).classCounts
        )
        #expect(try data("data.long_tail.ratio=4", "data.limit=9").training.count == 9)
        #expect(throws: ConfigurationErrors.self) { try data("data.long_tail.ratio=0.5") }
    }

    @Test("The resolved spec resolves to itself")
    func resolved() throws {
        let spec = try experiment("search_space: darts\nmethod: lfm\n").spec
        let text = YAMLWriter.text(spec.encoded)
        #expect(YAMLWriter.text(try experiment(text).spec.encoded) == text)
    }

    @Test("A table of settings shows the defaults that a spec has")
    func rows() throws {
        let rows = ExperimentSpec(TinyRun.defaults).rows(path: "")
        func shown(_ path: String) -> String? { rows.first { $0.path == path }?.default }
        #expect(shown("method") == "bilevel" && shown("seed") == "0")
        #expect(shown("optimizers.weights.schedule.minimum") == "0.001")
        #expect(shown("optimizers.weights.optimizer.weight_decay") == "0.0003")
        #expect(shown("evaluation.weights.schedule.minimum") == "0.0")
        #expect(shown("optimizers.architecture.optimizer.beta1") == "0.5")
    }

    @Test("The network's settings are the chosen space's, with every default")
    func networks() throws {
        let cells = try experiment("search_space: darts\nevaluation: {network: {cells: 5}}").spec.evaluation
        #expect(cells.network["cells"]?.text == "5" && cells.network["drop_path"]?.text == "0.3")
        let chain = try experiment("evaluation: {network: {channels: 5}}").spec.evaluation
        #expect(chain.network.entries?.map(\.key) == ["channels"])
    }

    @Test(
        "What is wrong is said where it stands",
        arguments: [
            (
                "search_space: darts\nevaluation:\n  network: {celsl: 5}",
                "x.yaml:3:13: evaluation.network.celsl: unknown key, did you mean 'cells'?"
            ),
            (
                "evaluation: {network: {drop_path: 0}}",
                "x.yaml:1:24: evaluation.network.drop_path: unknown key"
            ),
            (
                "evaluation: {network: [1]}",
                "x.yaml:1:23: evaluation.network: expected a mapping, found a list"
            ),
            ("method: bilevle", "x.yaml:1:9: method: no method is called 'bilevle', did you mean 'bilevel'?"),
            (
                "optimizers: {weights: {optimizer: {name: sdg}}}",
                "x.yaml:1:42: optimizers.weights.optimizer: no optimizer is called 'sdg', did you mean 'sgd'?"
            ),
            (
                "optimizers: {weights: {schedule: {name: cosine, minimum: 1}}}",
                "x.yaml:1:23: optimizers.weights: a cosine decays from the rate 0.025 to its minimum 1.0"
            ),
            ("learner: {lfm: off}", "x.yaml:1:1: learner: unknown key"),
        ])
    func errors(_ text: String, _ message: String) {
        let error = failure { _ = try experiment(text) }
        #expect(error.hasPrefix(message), "\(error)")
    }
}
