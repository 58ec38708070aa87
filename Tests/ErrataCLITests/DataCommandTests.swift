import Foundation
import PictureTesting
import Testing

@Suite("errata data")
struct DataCommandTests {
    /// A folder of pictures, and a spec that has them.
    private func place() throws -> (tree: FileTree, spec: String) {
        let tree = try FileTree()
        for index in 0..<20 {
            let name = "train/\(index < 12 ? "ant" : "bee")/\(index).png"
            try tree.write([name: png(plain(10 + index, 8, [51, 102, 204]))])
        }
        try tree.write([
            "test/ant/x.png": png(plain(8, 8, [255, 0, 0])),
            "spec.yaml": Array("data: {set: {name: image-folder, path: ., images: {size: 8}}}\n".utf8),
        ])
        return (tree, "\(tree.path)/spec.yaml")
    }

    @Test("inspect shows classes, counts, sizes and statistics, draws a grid, and names what is broken")
    func inspect() throws {
        let (tree, spec) = try place()
        let shown = try Command.run("data", "inspect", spec, "--grid", "\(tree.path)/grid.png")
        #expect(shown.status == 0, "\(shown.errors)")
        let lines = shown.output.split(separator: "\n").map {
            $0.split(separator: " ").joined(separator: " ")
        }
        for line in [
            "training 20 2 of 2 8 to 12 10×8 to 29×8, in the middle 20×8",
            "test 1 1 of 2 0 to 1 8×8 to 8×8, in the middle 8×8",
            "given as 8×8×3", "ant 12 1", "bee 8 0",
            "training: mean [0.2000, 0.4000, 0.8000], deviation [1.0000, 1.0000, 1.0000]; all 20 images can be read",
        ] { #expect(lines.contains(line), "\(shown.output)") }
        let grid = try Data(contentsOf: URL(filePath: "\(tree.path)/grid.png"))
        #expect(grid.starts(with: [0x89, 0x50, 0x4E, 0x47]))
        try tree.write(["train/bee/15.png": [1, 2, 3]])
        let broken = try Command.run("data", "inspect", spec)
        #expect(broken.status == 1 && broken.output.contains("broken: \(tree.path)/train/bee/15.png: begins"))
        #expect(broken.output.contains("data.set.images.on_error=skip"))
    }

    @Test("subset writes the same part of each class as a list, which a spec can have")
    func subset() throws {
        let (tree, spec) = try place()
        func list(_ arguments: String...) throws -> String {
            let path = "\(tree.path)/list.csv"
            let result = try Command.finish(
                Command.start(["data", "subset", spec, "-o", path] + arguments))
            #expect(result.status == 0, "\(result.errors)")
            return try String(contentsOfFile: path, encoding: .utf8)
        }
        let half = try list("--fraction", "0.5")
        #expect(half.matches(of: /,ant\n/).count == 6 && half.matches(of: /,bee\n/).count == 4)
        #expect(try list("--fraction", "0.5") == half)
        #expect(try list("--fraction", "0.5", "--seed", "1") != half)
        let again = try Command.run(
            "data", "inspect", spec, "--set", "data.set.list=\(tree.path)/list.csv", "--set",
            "data.set.path=\(tree.path)/train")
        #expect(again.status == 0 && again.output.contains("given as 8×8×3"), "\(again.errors)")
        #expect(try Command.run("data", "subset", spec, "-o", "x", "--fraction", "2").status == 64)
        let other = try Command.run(
            "data", "subset", spec, "-o", "\(tree.path)/x", "--fraction", "0.5", "--set",
            "data.set=procedural")
        #expect(other.status == 1 && other.errors.contains("expected a set of files"), "\(other.errors)")
    }
}
