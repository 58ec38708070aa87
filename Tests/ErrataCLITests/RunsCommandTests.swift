import Experiments
import Foundation
import Testing

@Suite("errata runs and errata inspect")
struct RunsCommandTests {
    private let work: Workplace
    private var runs: String { "\(work.path)/runs" }

    init() throws {
        work = try Workplace(
            Workplace.tiny.replacing("epochs: 3", with: "epochs: 1") + "matrix: {axes: {seed: [1, 2]}}\n")
        #expect(try Command.run("sweep", work.spec, "--output", runs).status == 0)
    }

    @Test("Runs are listed, shown, compared, and deleted")
    func queries() throws {
        let all = try Command.run("runs", "list", runs)
        #expect(all.status == 0 && all.output.split(separator: "\n").count == 5, "\(all.output)\(all.errors)")
        let one = try Command.run(
            "runs", "list", runs, "--where", "seed=2", "--kind", "evaluation", "--sweep", "tiny", "--finished"
        )
        #expect(
            one.output.contains(/\nevaluation-[0-9a-f]{12}  tiny-seed=2  finished  1 +\d+ s/), "\(one.output)"
        )
        #expect(
            try Command.run("runs", "list", runs, "--sweep", "other").output.split(separator: "\n").count == 1
        )
        #expect(try Command.run("runs", "list", runs, "--where", "seed").status == 64)
        let names = all.output.matches(of: /search-[0-9a-f]{12}/).map { "\(runs)/\($0.0)" }
        let shown = try Command.run("runs", "show", names[0])
        #expect(shown.output.contains(/trial +tiny: tiny-seed=1/), "\(shown.output)")
        #expect(shown.output.contains(/generator.noise +4/))
        let compared = try Command.run("runs", "compare", names[0], names[1])
        #expect(compared.output.contains(/\nseed +1 +2\n/), "\(compared.output)")
        #expect(!compared.output.contains("generator.noise"))
        let gone = try Command.run("runs", "rm", names[0])
        #expect(gone.output == "deleted \(names[0])\n", "\(gone.errors)")
        #expect(try Command.run("runs", "show", names[0]).errors.contains("holds no run"))
        #expect(try Command.run("runs", "list", runs).output.split(separator: "\n").count == 4)
    }

    @Test("A checkpoint's contents are shown, all of them, a part, or its spec")
    func inspect() throws {
        let search = try #require(
            work.files("runs").first { $0.hasSuffix("search/checkpoint.h5") && $0.hasPrefix("search") })
        let file = "\(runs)/\(search)"
        let all = try Command.run("inspect", file)
        let archive = try CheckpointStore(file).read()
        #expect(all.output.contains("\n\(archive.tensors.count) tensors, "), "\(all.output)\(all.errors)")
        #expect(all.output.contains(/\n  kind +search\n/) && all.output.contains(/\n  step +3\n/))
        #expect(
            all.output.contains(/architecture\/parameters\/normal +float32 \[5, 8\] +-?\d/), "\(all.output)")
        let part = try Command.run("inspect", file, "levels/w1")
        #expect(!part.output.contains("architecture/") && part.output.contains("levels/w1/parameters/"))
        #expect(try Command.run("inspect", file, "nothing").errors.contains("holds nothing below 'nothing'"))
        let spec = try Command.run("inspect", file, "--spec")
        #expect(try YAMLReader.read(spec.output, source: "")["search_space"]?["name"]?.text == "darts")
        let directory = try Command.run("inspect", (file as NSString).deletingLastPathComponent + "/..")
        #expect(directory.status == 0 && directory.output.contains("search/checkpoint.h5"))
        try Data("damaged".utf8).write(to: URL(filePath: file))
        #expect(try Command.run("inspect", file).errors.contains(file))
    }
}
