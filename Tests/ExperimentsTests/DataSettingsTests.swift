import Datasets
import Experiments
import Foundation
import TensorEngine
import Testing

@Suite("How a run uses its images")
struct DataSettingsTests {
    /// A's losses in a search, and those of an evaluation, with these settings.
    private func losses(_ settings: String...) throws -> (search: [Double], evaluation: [Double]) {
        let run = try TinyRun()
        try run.search(settings + ["search.epochs=1"])
        let search = try run.column("architecture_loss", of: "search/metrics.csv")
        let other = try TinyRun()
        try other.evaluate(settings: settings + ["evaluation.epochs=1"])
        #expect(!search.isEmpty)
        return (search, try other.column("loss", of: "evaluation/metrics.csv"))
    }

    @Test("A normalisation that is set takes the place of what is measured")
    func normalization() throws {
        let standing = try losses()
        let set = try losses("data.normalization={mean: [0.5], deviation: [0.5]}")
        #expect(standing.search != set.search && standing.evaluation != set.evaluation)
        let run = try TinyRun()
        let error = failure { try run.search("data.normalization={mean: [0.5, 0.5], deviation: [1, 1]}") }
        #expect(error.contains("data.normalization is of 2 channels, but the images have 1"), "\(error)")
        let lengths = failure { try run.search("data.normalization={mean: [0.5, 0.5], deviation: [1]}") }
        #expect(lengths.contains("data.normalization"), "\(lengths)")
    }

    @Test("Transforms are those of the part that they are given for")
    func transforms() throws {
        let standing = try losses()
        let searching = try losses("search.transforms=[color-jitter]")
        #expect(searching.search != standing.search && searching.evaluation == standing.evaluation)
        let evaluating = try losses("evaluation.transforms=[{name: color-jitter, brightness: 1}]")
        #expect(evaluating.search == standing.search && evaluating.evaluation != standing.evaluation)
        let weaker = try losses("evaluation.transforms=[color-jitter]")
        #expect(weaker.evaluation != evaluating.evaluation)
    }

    @Test("An evaluation's images are mixed as the setting says")
    func mixing() throws {
        let standing = try losses()
        let (mixup, cutMix) = try (
            losses("evaluation.mixing.mixup=1"), losses("evaluation.mixing.cutmix=1")
        )
        #expect(mixup.search == standing.search && mixup.evaluation != standing.evaluation)
        #expect(cutMix.evaluation != standing.evaluation && cutMix.evaluation != mixup.evaluation)
    }

    @Test("Images are divided by class where a class is small, or as the setting says")
    func split() throws {
        let (standing, random, stratified) = try (
            losses(), losses("data.split=random"), losses("data.split=stratified")
        )
        #expect(standing.search == stratified.search && standing.search != random.search)
        #expect(standing.evaluation == random.evaluation)
        let large = "data.set.count=400"
        let (automatic, alike) = try (losses(large), losses(large, "data.split=random"))
        #expect(automatic.search == alike.search)
    }
}
