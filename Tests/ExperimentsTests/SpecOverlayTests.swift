import ErrataCore
import Experiments
import Foundation
import Testing

@Suite("Specifications laid over each other")
struct SpecOverlayTests {
    /// Reads the first of some files, all in one folder.
    private func read(_ files: KeyValuePairs<String, String>, setting assignments: [String] = []) throws
        -> ConfigurationValue
    {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: folder) }
        for (name, text) in files {
            let url = folder.appending(path: name)
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try text.write(to: url, atomically: true, encoding: .utf8)
        }
        do {
            return try SpecOverlay.read(file: folder.appending(path: files[0].key).path, setting: assignments)
        } catch {
            let errors = error.errors.map { error in
                var error = error
                error.location.source = error.location.source.replacing(folder.path + "/", with: "")
                error.message = error.message.replacing(folder.path + "/", with: "")
                return error
            }
            throw ConfigurationErrors(errors)
        }
    }

    private func failure(_ files: KeyValuePairs<String, String>, setting assignments: [String] = []) -> String
    {
        do { return "\(try read(files, setting: assignments))" } catch { return "\(error)" }
    }

    @Test(
        "A file replaces what it says, within mappings, and leaves the rest; files are relative to each other"
    )
    func extends() throws {
        let value = try read([
            "runs/a.yaml": "extends: ../base/b.yaml\nlearner:\n  lambda: 2\nlist: [1]\n",
            "base/b.yaml": "extends: c.yaml\nlearner: {lambda: 1, sum: mean}\nlist: [1, 2]\n",
            "base/c.yaml": "seed: 1\nlearner: {sum: sum, rate: 3}\n",
        ])
        let expected = try YAMLReader.read(
            "seed: 1\nlearner: {sum: mean, rate: 3, lambda: 2}\nlist: [1]", source: "")
        #expect(value == expected)
        #expect(value["learner"]?["lambda"]?.location.line == 3)
        #expect(value["learner"]?["sum"]?.location.source.hasSuffix("b.yaml") == true)
    }

    @Test("Another component takes nothing from the one it replaces, the same one does")
    func components() throws {
        let value = try read([
            "a.yaml": "extends: b.yaml\ng: {name: wgan, penalty: 10}\nh: {name: dcgan, noise: 3}\nd: idx\n",
            "b.yaml":
                "g: {name: dcgan, noise: 64}\nh: {name: dcgan, noise: 64, size: 1}\nd: {name: x, y: 1}\n",
        ])
        let expected = try YAMLReader.read(
            "g: {name: wgan, penalty: 10}\nh: {name: dcgan, noise: 3, size: 1}\nd: idx", source: "")
        #expect(value == expected)
    }

    @Test("Files that extend each other in a circle, and missing ones, are named where they are extended")
    func chains() {
        #expect(
            failure(["a.yaml": "extends: b.yaml\n", "b.yaml": "x: 1\nextends: ./a.yaml\n"])
                == "b.yaml:2:10: extends: files extend each other in a circle: a.yaml → b.yaml → ./a.yaml")
        #expect(failure(["a.yaml": "extends: a.yaml\n"]).contains("circle: a.yaml → a.yaml"))
        #expect(
            failure(["a.yaml": "x: 1\nextends: c.yaml\n"])
                == "a.yaml:2:10: extends: there is no file 'c.yaml'")
        #expect(
            failure(["a.yaml": "extends: [b.yaml]\n"])
                == "a.yaml:1:10: extends: expected a file's path, found a list")
        #expect(failure(["a.yaml": "extends: b.yaml\n", "b.yaml": "x: ]\n"]).hasPrefix("b.yaml:1:4: "))
    }

    @Test("Assignments are laid over files, later ones over earlier ones")
    func assignments() throws {
        let files: KeyValuePairs = ["a.yaml": "learner: {lambda: 1}\ngenerator: dcgan\n"]
        let value = try read(
            files,
            setting: [
                "learner.lambda=0.5", "learner.gan.rate=1e-4", "generator.noise=3", "list=[1, 2]",
                "text='a=b'",
                "learner.lambda=0.25", "nothing=",
            ])
        let expected = try YAMLReader.read(
            """
            learner: {lambda: 0.25, gan: {rate: 1e-4}}
            generator: {name: dcgan, noise: 3}
            list: [1, 2]
            text: 'a=b'
            nothing:
            """, source: "")
        #expect(value == expected)
        #expect(value["learner"]?["lambda"]?.location.description == "--set learner.lambda")
    }

    @Test(
        "What is no assignment is refused",
        arguments: [
            ("learner.lambda", "--set: expected key.path=value, found 'learner.lambda'"),
            ("=1", "--set: expected key.path=value, found '=1'"),
            ("a..b=1", "--set: expected key.path=value, found 'a..b=1'"),
            ("a=[1", "--set a: did not find expected ',' or ']'"),
            ("a=*x", "--set a: no anchor is called 'x'"),
        ])
    func noAssignment(text: String, message: String) {
        #expect(failure(["a.yaml": "a: 1"], setting: [text]).hasPrefix(message))
    }
}
