import Foundation
import Testing

@Suite("What is no reason to end a run is said")
struct RunFaultTests {
    @Test("Rows that are gone when a run goes on")
    func lostRows() throws {
        let work = try Workplace()
        func search(_ more: String...) throws -> Command.Result {
            try Command.finish(
                Command.start(
                    ["search", work.spec, "--output", "\(work.path)/run", "--set", "search.epochs=2"] + more))
        }
        #expect(try search().status == 0)
        let whole = try search("--resume")
        #expect(whole.status == 0 && !whole.errors.contains("the rows of"), "\(whole.errors)")
        let (steps, epochs) = ("\(work.path)/run/search/metrics.csv", "\(work.path)/run/search/epochs.csv")
        try FileManager.default.removeItem(atPath: steps)
        let rows = try work.text("run/search/epochs.csv").split(separator: "\n")
        try "\(rows[0])\n\(rows[2])\n".write(toFile: epochs, atomically: true, encoding: .utf8)
        let resumed = try search("--resume")
        #expect(resumed.status == 0)
        #expect(
            resumed.errors.contains("\(steps) is gone, and with it the rows of step 1 to 6\n"),
            "\(resumed.errors)")
        #expect(resumed.errors.contains("\(epochs) has lost the rows of epoch 1\n"), "\(resumed.errors)")
    }

    @Test("Images of four channels, of which no picture is made")
    func fourChannels() throws {
        let set =
            "{name: idx, images: images, labels: labels, test_images: images, test_labels: labels, class_names: [a, b]}"
        let procedural = "{name: procedural, count: 64, test_count: 20, height: 8, width: 8, classes: 4}"
        let work = try Workplace(Workplace.tiny.replacing(procedural, with: set))
        let (count, size) = (UInt8(64), 8)
        let pixels = (0..<(Int(count) * size * size * 4)).map { UInt8(truncatingIfNeeded: $0 * $0 / 7) }
        try Data([0, 0, 8, 4, 0, 0, 0, count, 0, 0, 0, 8, 0, 0, 0, 8, 0, 0, 0, 4] + pixels)
            .write(to: URL(fileURLWithPath: "\(work.path)/images"))
        try Data([0, 0, 8, 1, 0, 0, 0, count] + (0..<count).map { $0 % 2 })
            .write(to: URL(fileURLWithPath: "\(work.path)/labels"))
        let result = try Command.run(
            "search", work.spec, "--output", "\(work.path)/run", "--set", "search.epochs=2")
        #expect(result.status == 0, "\(result.errors)")
        #expect(
            result.errors.split(separator: "images of 4 channels are not drawn").count == 2,
            "\(result.errors)")
        #expect(work.files("run/search/samples").isEmpty)
    }
}
