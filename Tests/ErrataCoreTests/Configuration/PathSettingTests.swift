import ErrataCore
import Foundation
import Testing

private struct Files: Configuration {
    var images = PathSetting()
    static var fields: [ConfigurationField<Self>] { [.init("images", \.images, "Where they are.")] }
}

@Suite("Settings that are paths")
struct PathSettingTests {
    private let here = FileManager.default.currentDirectoryPath

    private func path(_ text: String, in source: String, line: Int? = 1) throws -> String {
        let value = ConfigurationValue(.scalar(text, quoted: false), at: .init(source, line: line))
        return try Files(decoding: .mapping([.init("images", value)])).images.path
    }

    @Test("are relative to the file that says them")
    func relative() throws {
        #expect(try path("a.idx", in: "/runs/b/spec.yaml") == "/runs/b/a.idx")
        #expect(try path("../a.idx", in: "/runs/b/spec.yaml") == "/runs/b/../a.idx")
        #expect(try path("./a.idx", in: "/spec.yaml") == "/a.idx")
        #expect(try path("a.idx", in: "b/spec.yaml") == "\(here)/b/a.idx")
        #expect(try path("a.idx", in: "spec.yaml") == "\(here)/a.idx")
        #expect(try path("/data/a.idx", in: "/runs/b/spec.yaml") == "/data/a.idx")
    }

    @Test("are relative to the working directory where no file says them")
    func assigned() throws {
        #expect(try path("b/a.idx", in: "--set data/set.images", line: nil) == "\(here)/b/a.idx")
        #expect(PathSetting("a.idx").path == "\(here)/a.idx")
    }

    @Test("are written absolute, and read as the same elsewhere")
    func encoding() throws {
        let value = ConfigurationValue(.scalar("a.idx", quoted: false), at: .init("/runs/spec.yaml", line: 2))
        let files = try Files(decoding: .mapping([.init("images", value)]))
        #expect(files.encoded["images"] == .string("/runs/a.idx"))
        #expect(try Files(decoding: files.encoded).images == files.images)
    }

    @Test("are texts that are not empty")
    func refused() {
        for value in [ConfigurationValue.string(""), .null, .sequence([])] {
            let error = #expect(throws: ConfigurationErrors.self) {
                try Files(decoding: .mapping([.init("images", value)]))
            }
            #expect(error?.description.hasPrefix("images: expected a path") == true)
        }
    }
}
