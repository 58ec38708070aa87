import CPUEngine
import CZlib
import Experiments
import Foundation
import TensorEngine
import Testing

@Suite("Pictures")
struct PictureTests {
    /// A PNG file taken apart by the standard's words: chunks with their checksums, and the inflated rows.
    struct Decoded {
        var width = 0
        var height = 0
        var channels = 0
        var pixels: [UInt8] = []

        init(_ file: [UInt8]) throws {
            try #require(file.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]))
            func number(_ at: Int) -> Int { file[at..<(at + 4)].reduce(0) { $0 << 8 | Int($1) } }
            var (position, types, compressed) = (8, [String](), [UInt8]())
            while position < file.count {
                let length = number(position)
                let body = Array(file[(position + 4)..<(position + 8 + length)])
                let sum = crc32(0, body, uInt(body.count))
                #expect(Int(sum) == number(position + 8 + length))
                let type = String(decoding: body.prefix(4), as: UTF8.self)
                types.append(type)
                if type == "IHDR" {
                    #expect(length == 13)
                    (width, height) = (number(position + 8), number(position + 12))
                    #expect(body[12] == 8, "bits a sample")
                    channels = try #require([0: 1, 2: 3][body[13]], "colour type")
                    #expect(body[14...] == [0, 0, 0])
                }
                if type == "IDAT" { compressed += body.dropFirst(4) }
                position += 12 + length
            }
            #expect(types == ["IHDR", "IDAT", "IEND"])
            var rows = [UInt8](repeating: 0, count: height * (width * channels + 1))
            var length = uLong(rows.count)
            #expect(uncompress(&rows, &length, compressed, uLong(compressed.count)) == Z_OK)
            #expect(Int(length) == rows.count)
            for row in 0..<height {
                let start = row * (width * channels + 1)
                #expect(rows[start] == 0, "filter of row \(row)")
                pixels += rows[(start + 1)..<(start + 1 + width * channels)]
            }
        }

        func pixel(_ x: Int, _ y: Int) -> [UInt8] {
            Array(pixels[((y * width + x) * channels)...].prefix(channels))
        }
    }

    @Test(arguments: [1, 3], [(1, 1), (7, 5), (300, 2)])
    func pixelsReadBack(_ channels: Int, _ size: (Int, Int)) throws {
        var random = SplitMix(seed: 3)
        let pixels = (0..<(size.0 * size.1 * channels)).map { _ in UInt8.random(in: 0...255, using: &random) }
        let found = try Decoded(PNG.encode(pixels, width: size.0, height: size.1, channels: channels))
        #expect(found.width == size.0 && found.height == size.1 && found.channels == channels)
        #expect(found.pixels == pixels)
    }

    @Test func gridsPutClassesInRows() throws {
        let backend = try CPUBackend(threads: 1)
        // Six colour images of 1×2 pixels: red rises with the image, green tells the pixel, blue is out of range.
        var values: [Float] = []
        for image in 0..<6 {
            for green: Float in [-1, 1] { values += [Float(image) / 5 * 2 - 1, green, 9] }
        }
        let found = try Decoded(
            SampleGrid.png(backend.tensor(values, [6, 1, 2, 3]), columns: 3, scale: 2))
        #expect(found.width == 3 * (2 * 2 + 2) + 2 && found.height == 2 * (2 + 2) + 2)
        for image in 0..<6 {
            let (left, top) = (2 + image % 3 * 6, 2 + image / 3 * 4)
            for (x, green): (Int, UInt8) in [(0, 0), (1, 0), (2, 255), (3, 255)] {
                for y in 0..<2 {
                    #expect(found.pixel(left + x, top + y) == [UInt8(image * 51), green, 255])
                }
            }
            #expect(found.pixel(left - 1, top) == [255, 255, 255])
            #expect(found.pixel(left + 4, top) == [255, 255, 255])
        }
    }

    /// A generator that has diverged must not end the run.
    @Test func whatIsNoNumberIsDrawn() throws {
        let backend = try CPUBackend(threads: 1)
        let images = try backend.tensor([.nan, .infinity, -.infinity, 0] as [Float], [1, 1, 4, 1])
        let found = try Decoded(SampleGrid.png(images, columns: 1, scale: 1))
        let expected: [UInt8] = [0, 255, 0, 128]
        for (x, value) in expected.enumerated() { #expect(found.pixel(2 + x, 2) == [value]) }
    }

    @Test(arguments: [0, 1, 2, 3, 4, 5]) func greyAndColourAreDrawn(_ channels: Int) throws {
        let images = try CPUBackend(threads: 1).zeros([1, 4, 4, channels], .float32)
        #expect(SampleGrid.canDraw(channels: channels) == [1, 3].contains(channels))
        #expect(((try? SampleGrid.png(images, columns: 1)) != nil) == [1, 3].contains(channels))
    }

    @Test func otherShapesAreErrors() throws {
        let backend = try CPUBackend(threads: 1)
        for shape: Shape in [[4, 4, 1], [1, 4, 4, 2], [0, 4, 4, 1]] {
            #expect(throws: TensorError.self, "\(shape)") {
                try SampleGrid.png(backend.zeros(shape, .float32), columns: 1)
            }
        }
        #expect(throws: TensorError.self) {
            try SampleGrid.png(backend.zeros([1, 4, 4, 1], .float32), columns: 0)
        }
    }

    // MARK: Graphviz

    private func tool(_ script: String, in directory: TemporaryDirectory) throws -> String {
        let path = "\(directory.path)/tool"
        try AtomicFile.write("#!/bin/sh\n\(script)\n", to: path)
        chmod(path, 0o755)
        return path
    }

    @Test(.enabled(if: GraphvizDrawing.installed != nil))
    func graphsAreDrawn() throws {
        let directory = try TemporaryDirectory()
        let (source, target) = ("\(directory.path)/g.dot", "\(directory.path)/g.svg")
        try AtomicFile.write("digraph { alpha -> beta }", to: source)
        #expect(GraphvizDrawing.svg(of: source, to: target) == nil)
        #expect(String(decoding: try AtomicFile.read(target), as: UTF8.self).contains("alpha"))
    }

    @Test(arguments: [
        ("echo half > \"$3\"; exit 3", "failed with status 3"),
        ("echo half > \"$3\"; kill -SEGV $$", "failed with signal 11"),
        ("echo half > \"$3\"; exec sleep 60", "took longer"),
    ])
    func aToolThatFailsLeavesAWarningAndNoPicture(_ script: String, _ reason: String) throws {
        let directory = try TemporaryDirectory()
        let path = try tool(script, in: directory)
        let start = ContinuousClock.now
        let warning = GraphvizDrawing.svg(
            of: "g.dot", to: "\(directory.path)/g.svg", tool: path, timeout: 0.5)
        #expect(warning?.contains(reason) == true, "\(warning ?? "none")")
        #expect(ContinuousClock.now - start < .seconds(20))
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["tool"])
    }

    @Test(arguments: [nil, "/nowhere/dot"])
    func aMissingToolIsAWarning(_ tool: String?) {
        #expect(GraphvizDrawing.svg(of: "g.dot", to: "/nowhere/g.svg", tool: tool) != nil)
    }

    /// A `dot` that is a shell script waits for a child of its own.
    @Test func theLimitEndsAllThatWasStarted() throws {
        let directory = try TemporaryDirectory()
        let path = try tool("sleep 60 & echo $! > \"$3.child\"; wait", in: directory)
        let target = "\(directory.path)/g.svg"
        let warning = GraphvizDrawing.svg(of: "g.dot", to: target, tool: path, timeout: 0.5)
        #expect(warning?.contains("took longer") == true)
        let child = String(decoding: try AtomicFile.read("\(target).part.child"), as: UTF8.self)
            .trimmingCharacters(in: .newlines)
        // Whoever is its parent now may not have asked for its status yet.
        let status = try? String(contentsOfFile: "/proc/\(child)/status", encoding: .utf8)
        #expect(status?.contains("State:\tZ") ?? true, "\(status ?? "")")
    }

    @Test func aProcessWithoutDescriptorsIsWarnedAndLives() async {
        await #expect(processExitsWith: .success) {
            let next = open("/dev/null", O_RDONLY)
            close(next)
            var limit = rlimit()
            getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            limit.rlim_cur = rlim_t(next)
            try #require(setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
            let error = #expect(throws: FileError.self) {
                try AtomicFile.write("digraph {}", to: "/tmp/g.dot")
            }
            #expect(error?.reason.contains("Too many open files") == true)
            for tool in ["/bin/false", "/nowhere"] {
                #expect(GraphvizDrawing.svg(of: "/tmp/g.dot", to: "/tmp/g.svg", tool: tool) != nil)
            }
        }
    }

    @Test func aProcessThatIgnoresItsChildrenDraws() async {
        await #expect(processExitsWith: .success) {
            signal(SIGCHLD, SIG_IGN)
            let directory = try TemporaryDirectory()
            let (tool, target) = ("\(directory.path)/tool", "\(directory.path)/g.svg")
            try AtomicFile.write("#!/bin/sh\necho whole > \"$3\"\n", to: tool)
            chmod(tool, 0o755)
            #expect(GraphvizDrawing.svg(of: "g.dot", to: target, tool: tool) == nil)
            #expect(try AtomicFile.read(target) == Array("whole\n".utf8))
        }
    }
}
