import Datasets
import Foundation
import Testing

@Suite("Tar archives")
struct TarReaderTests {
    let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func members(_ bytes: [UInt8]) throws -> [(name: String, contents: [UInt8])] {
        let reader = try TarReader(directory.file("archive", bytes))
        var result: [(name: String, contents: [UInt8])] = []
        while let member = try reader.next() {
            guard member.isFile else { continue }
            result.append((member.name, try reader.readContents()))
        }
        return result
    }

    @Test(
        "of each form that tar writes are read, plain and gzipped", arguments: ["ustar", "gnu", "pax", "v7"])
    func forms(_ form: String) throws {
        let long =
            form == "v7"
            ? "short" : String(repeating: "n", count: 90) + "/" + String(repeating: "m", count: 60)
        let longer = form == "gnu" || form == "pax" ? String(repeating: "é", count: 110) : "e"
        let folder = directory.path + "/folder"
        try FileManager.default.createDirectory(
            atPath: "\(folder)/\(long)", withIntermediateDirectories: true)
        let contents: [String: [UInt8]] = [
            "a": [], "b": [UInt8](repeating: 7, count: 512), "\(long)/c": [1, 2, 3],
            "\(longer)": [UInt8](repeating: 9, count: 1500),
        ]
        for (name, bytes) in contents { try Data(bytes).write(to: URL(filePath: "\(folder)/\(name)")) }
        let archive = directory.path + "/made.tar"
        let tar = Process()
        tar.executableURL = URL(filePath: "/usr/bin/tar")
        tar.arguments = ["--format", form, "-cf", archive, "-C", folder] + contents.keys.sorted()
        try tar.run()
        tar.waitUntilExit()
        #expect(tar.terminationStatus == 0)
        let bytes = [UInt8](try Data(contentsOf: URL(filePath: archive)))
        for bytes in [bytes, gzip(bytes)] {
            #expect(
                try Dictionary(uniqueKeysWithValues: members(bytes).map { ($0.name, $0.contents) })
                    == contents)
        }
    }

    @Test("are read member by member, whether or not a member's contents are")
    func skipping() throws {
        let bytes = tar([("a", [1]), ("folder/b", [UInt8](repeating: 2, count: 600)), ("c", [3])])
        let reader = try TarReader(directory.file("archive", bytes))
        let first = try #require(try reader.next())
        #expect(first.name == "a" && first.size == 1 && first.isFile && first.offset == 0)
        let second = try #require(try reader.next())
        #expect(second.name == "folder/b" && second.size == 600 && second.offset == 1024)
        #expect(second.lastComponent == "b")
        #expect(throws: DatasetError.self) { try reader.readContents(limit: 599) }
        #expect(try reader.next()?.name == "c")
        #expect(try reader.readContents() == [3])
        #expect(try reader.next() == nil)
    }

    @Test("have names in two parts, sizes in binary, and things that are no files")
    func headers() throws {
        let binary = "\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{3}"
        var large = tarMember("b", [4, 5, 6], size: "\u{1}" + binary)
        large[124] = 0x80
        let sum = (0..<512).reduce(0) { $0 + ((148..<156).contains($1) ? 32 : Int(large[$1])) }
        large.replaceSubrange(148..<154, with: "00\(String(sum, radix: 8))".utf8)
        let bytes =
            tarMember("name", [1], prefix: "long/way") + tarMember("folder/", [], type: "5") + large
            + [UInt8](repeating: 0, count: 1024)
        let found = try members(bytes)
        #expect(found.map(\.name) == ["long/way/name", "b"])
        #expect(found.map(\.contents) == [[1], [4, 5, 6]])
    }

    static let sound = tar([("a", [1, 2, 3]), ("b", [UInt8](repeating: 2, count: 600))])

    private static func changed(_ index: Int, to byte: UInt8) -> [UInt8] {
        var bytes = sound
        bytes[index] = byte
        return bytes
    }

    static let hostile: [HostileFile] = [
        .init("empty", [], "ends after 0 bytes of a member's header at byte 0"),
        .init("a text", Array(repeating: UInt8(ascii: "x"), count: 600), "byte 148: no octal number"),
        .init("cut in a header", Array(sound[..<1100]), "of a member's header at byte 1024"),
        .init("cut in the contents", Array(sound[..<1600]), "of a member's contents at byte 1536"),
        .init("without its end", Array(sound.dropLast(1024)), "of a member's header at byte 2560"),
        .init("a changed name", changed(1025, to: 1), "byte 1024: the header's checksum"),
        .init("a size that is no number", changed(130, to: 0x41), "byte 0: the header's checksum"),
        .init(
            "a size beyond the file", tarMember("a", [1], size: "77777777777"),
            "byte 512: a member has 8589934591 bytes"),
        .init(
            "a size beyond everything", tarMember("a", [1], size: "zzzzzzzzzzz"), "byte 124: no octal number"),
        .init(
            "a pax record that is none", tarMember("p", Array("5 x\n".utf8), type: "x"),
            "byte 512: no pax record"),
        .init("a pax record of length 0", tarMember("p", Array("0 a=b\n".utf8), type: "x"), "no pax record"),
        .init(
            "a pax size that is none", tarMember("p", Array("11 size=-1\n".utf8), type: "x"),
            "'-1' for a size"),
        .init(
            "a long name that is too long", tarMember("p", [], type: "L", size: "00004000001"),
            "a name or pax header of 1048577 bytes"),
        .init("cut gzip", Array(gzip(sound).dropLast(20)), "get the file anew"),
    ]

    @Test("that are unsound are refused with the reason and the place", arguments: hostile)
    func hostileFile(_ file: HostileFile) throws {
        let error = try #require(throws: DatasetError.self) { _ = try members(file.bytes) }
        #expect(error.reason.contains(file.reason), "\(error)")
    }

    @Test("never crash the reader, whatever is wrong with them")
    func fuzzing() throws {
        let long = tarMember(
            "././@LongLink", Array(repeating: UInt8(ascii: "n"), count: 150) + [0], type: "L")
        let pax = tarMember("p", Array("30 path=\(String(repeating: "é", count: 10))\n".utf8), type: "x")
        for bytes in [Self.sound, long + Self.sound, pax + Self.sound] {
            #expect(try fuzz(bytes) { _ = try members($0) } > 0)
            #expect(try fuzz(gzip(bytes)) { _ = try members($0) } > 0)
        }
    }
}
