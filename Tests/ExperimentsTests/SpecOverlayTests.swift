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
            failure(["a.yaml": "extends: {b: c}\n"])
                == "a.yaml:1:10: extends: expected a file's path, or a list of them, found a mapping")
        #expect(
            failure(["a.yaml": "extends: [b.yaml, [c]]\n", "b.yaml": ""])
                == "a.yaml:1:19: extends: expected a file's path, or a list of them, found a list")
        #expect(failure(["a.yaml": "extends: b.yaml\n", "b.yaml": "x: ]\n"]).hasPrefix("b.yaml:1:4: "))
    }

    @Test("Of several files that one extends, later ones lie over earlier ones, all beneath it")
    func several() throws {
        let value = try read([
            "a.yaml": "extends: [b.yaml, c.yaml]\nx: 1\n",
            "b.yaml": "x: 2\ny: 2\nz: {p: 2, q: 2}\n",
            "c.yaml": "extends: d.yaml\ny: 3\nz: {p: 3}\n",
            "d.yaml": "w: 4\nz: {q: 4}\n",
        ])
        #expect(value == (try YAMLReader.read("x: 1\ny: 3\nz: {p: 3, q: 4}\nw: 4", source: "")))
        let diamond = try read([
            "a.yaml": "extends: [b.yaml, c.yaml]\n", "b.yaml": "extends: d.yaml\n",
            "c.yaml": "extends: d.yaml\n", "d.yaml": "x: 1\n",
        ])
        #expect(diamond["x"]?.text == "1")
        // Files that each extend the next one twice are 2ⁿ readings.
        let wide = failure([
            "a.yaml": "extends: [b.yaml, b.yaml]\n", "b.yaml": "extends: [c.yaml, c.yaml]\n",
            "c.yaml": "extends: [d.yaml, d.yaml]\n", "d.yaml": "extends: [e.yaml, e.yaml]\n",
            "e.yaml": "extends: [f.yaml, f.yaml]\n", "f.yaml": "x: 1\n",
        ])
        #expect(wide.contains("extends: more than 32 files extend each other"))
    }

    @Test(
        "A file that holds no mapping is refused at its place", arguments: ["[1, 2]", "text", "- a\n- b\n"])
    func noMapping(text: String) {
        let found = text == "text" ? "'text'" : "a list"
        for files: KeyValuePairs in [
            ["a.yaml": text], ["b.yaml": "x: 1\nextends: a.yaml\n", "a.yaml": text],
        ] {
            for assignments in [[], ["x=1"]] {
                #expect(
                    failure(files, setting: assignments)
                        == "a.yaml:1:1: expected a mapping of settings, found \(found)")
            }
        }
    }

    @Test("An assignment is laid over a file as a file would be")
    func assignedComponents() throws {
        for (base, assignments, expected) in [
            ("h: {name: exact, unroll_steps: 2}", ["h.name=neumann"], "h: {name: neumann}"),
            ("h: {name: exact, unroll_steps: 2}", ["h.name=exact"], "h: {name: exact, unroll_steps: 2}"),
            // In whichever order they are given.
            ("h: {name: exact, steps: 2}", ["h.name=cg", "h.rate=1"], "h: {name: cg, rate: 1}"),
            ("h: {name: exact, steps: 2}", ["h.rate=1", "h.name=cg"], "h: {rate: 1, name: cg}"),
            ("h: {name: exact, steps: 2}", ["h={rate: 1}"], "h: {name: exact, steps: 2, rate: 1}"),
            ("h: exact", ["h.name=cg", "h.rate=1"], "h: {name: cg, rate: 1}"),
            ("h: exact", ["h=cg", "h.rate=1"], "h: {name: cg, rate: 1}"),
            ("h: {name: exact, steps: 2}", ["h=cg"], "h: cg"),
            ("name: a\nx: 1", ["name=b"], "name: b\nx: 1"),
        ] {
            let value = try read(["a.yaml": base], setting: assignments)
            #expect(value == (try YAMLReader.read(expected, source: "")), "\(base) \(assignments)")
        }
        let byFile = try read(["a.yaml": "extends: b.yaml\nh: {rate: 1}\n", "b.yaml": "h: exact\n"])
        #expect(byFile == (try YAMLReader.read("h: {name: exact, rate: 1}", source: "")))
    }

    @Test("Assignments are laid over files, later ones over earlier ones")
    func assignments() throws {
        let files: KeyValuePairs = ["a.yaml": "learner: {lambda: 1}\ngenerator: dcgan\n"]
        let value = try read(
            files,
            setting: [
                "learner.lambda=0.5", "learner.gan.rate=1e-4", "generator.noise=3", "list=[1, 2]",
                "text='a=b'", "sharp='#1'", "inner=a#1",
                "learner.lambda=0.25", "nothing=",
            ])
        let expected = try YAMLReader.read(
            """
            learner: {lambda: 0.25, gan: {rate: 1e-4}}
            generator: {name: dcgan, noise: 3}
            list: [1, 2]
            text: 'a=b'
            sharp: '#1'
            inner: a#1
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
            ("a=#1", "--set a: what follows '#' is a comment in YAML; for a text, quote it twice: \"'#1'\""),
            (
                "a=b #1",
                "--set a: what follows '#' is a comment in YAML; for a text, quote it twice: \"'b #1'\""
            ),
            (
                "a=it's #1",
                "--set a: what follows '#' is a comment in YAML; for a text, quote it twice: \"'it''s #1'\""
            ),
        ])
    func noAssignment(text: String, message: String) {
        #expect(failure(["a.yaml": "a: 1"], setting: [text]).hasPrefix(message))
    }
}
