import ErrataCore
import Experiments
import Foundation
import Testing

@Suite("Matrices of experiments")
struct ExperimentMatrixTests {
    private let folder: TemporaryDirectory

    init() throws { folder = try TemporaryDirectory() }

    /// The matrix of the first of some files, all in one folder.
    private func matrix(_ files: KeyValuePairs<String, String>, setting assignments: [String] = []) throws
        -> ExperimentMatrix
    {
        for (name, text) in files {
            let url = URL(filePath: "\(folder.path)/\(name)")
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try text.write(to: url, atomically: true, encoding: .utf8)
        }
        return try ExperimentMatrix(file: "\(folder.path)/\(files[0].key)", setting: assignments)
    }

    private func matrix(_ text: String, setting assignments: [String] = []) throws -> ExperimentMatrix {
        try matrix(["m.yaml": text], setting: assignments)
    }

    private func names(_ text: String, setting assignments: [String] = []) throws -> [String] {
        try matrix(text, setting: assignments).trials.map(\.name)
    }

    private func failure(_ text: String, setting assignments: [String] = []) -> String {
        do { return "\(try names(text, setting: assignments))" } catch {
            return "\(error)".replacing(folder.path + "/", with: "")
        }
    }

    private func settings(_ trial: Trial) -> String {
        YAMLWriter.text(trial.settings).split(separator: "\n").joined(separator: "|")
    }

    @Test("A file without a matrix is one trial, and so says the reader of one spec")
    func none() throws {
        let single = try matrix("name: a\nseed: 1", setting: ["seed=2"])
        #expect(!single.isMatrix && single.trials.count == 1 && single.trials[0].choices.isEmpty)
        #expect(settings(single.trials[0]) == "name: a|seed: 2")
        _ = try matrix("matrix: {axes: {seed: [1, 2]}}")
        #expect {
            try SpecOverlay.read(file: "\(folder.path)/m.yaml")
        } throws: { "\($0)".contains("matrix: it has a matrix of 2 trials: 'errata sweep' runs them") }
    }

    @Test("A trial for each combination, the last axis fastest, the choices laid over the file")
    func product() throws {
        let found = try matrix(
            "name: x\nmethod: {name: lfm, w: 1}\nmatrix: {axes: {method.v: [0.5, 2], seed: {from: 0, to: 1}}}"
        )
        #expect(
            found.trials.map(\.name) == ["x-v=0.5-seed=0", "x-v=0.5-seed=1", "x-v=2-seed=0", "x-v=2-seed=1"])
        #expect(
            settings(found.trials[2])
                == "name: x-v=2-seed=0|method:|  name: lfm|  w: 1|  v: 2|seed: 0")
        #expect(
            found.trials[1].choices == [
                .init(axis: "method.v", label: "0.5"), .init(axis: "seed", label: "1"),
            ])
    }

    @Test(
        "A range has both ends where the steps meet them, and decimal numbers as people write them",
        arguments: [
            ("{from: 0, to: 3}", "0 1 2 3"), ("{from: 1, to: 6, step: 2}", "1 3 5"),
            ("{from: 0.1, to: 0.5, step: 0.1}", "0.1 0.2 0.3 0.4 0.5"), ("{from: 2, to: 2}", "2"),
            ("{from: 0.5, to: 2.5}", "0.5 1.5 2.5"),
        ])
    func ranges(_ range: String, _ expected: String) throws {
        let trials = try matrix("matrix: {axes: {x: \(range)}}").trials
        #expect(trials.map { $0.settings["x"]?.literal ?? "" }.joined(separator: " ") == expected)
    }

    @Test("A named variant sets several keys at once, by paths too; another component replaces one")
    func variants() throws {
        let found = try matrix(
            """
            name: x
            method: {name: lfm, w: 1}
            matrix:
              axes:
                way:
                  plain: {method: bilevel, search.epochs: 3}
                  ours: {method.w: 2, search: {epochs: 4, batch_size: 8}}
                  same:
                seed: [7]
            """)
        #expect(found.trials.map(\.name) == ["x-plain-seed=7", "x-ours-seed=7", "x-same-seed=7"])
        #expect(
            found.trials.map(settings) == [
                "name: x-plain-seed=7|method: bilevel|search:|  epochs: 3|seed: 7",
                "name: x-ours-seed=7|method:|  name: lfm|  w: 2|search:|  epochs: 4|  batch_size: 8|seed: 7",
                "name: x-same-seed=7|method:|  name: lfm|  w: 1|seed: 7",
            ])
    }

    @Test("Excluded combinations are gone, included ones come last, with settings of their own")
    func excludeAndInclude() throws {
        let text = """
            matrix:
              axes: {a: [1, 2, 3], b: {u: {}, v: {}}}
              exclude: [{a: 1.0}, {a: [2, 3], b: v}]
              include:
                - {a: 9, b: [u, v], search.epochs: 5}
                - {b: u, names: "extra-{b}"}
              names: "{a}{b}"
            """
        let found = try matrix(text).trials
        #expect(found.map(\.name) == ["2u", "3u", "9u", "9v", "extra-u"])
        #expect(settings(found[3]) == "a: 9|search:|  epochs: 5|name: '9v'")
        #expect(try names("matrix: {include: [{seed: 1, names: one}, {names: two}]}") == ["one", "two"])
    }

    @Test("What the command line sets wins over files and choices, and an axis is then varied no more")
    func assignments() throws {
        let text = """
            matrix:
              axes: {a: [1, 2], way: {u: {x: 1}, v: {x: 2}}}
              exclude: [{a: 1, way: v}]
              include: [{a: 3, way: u}]
            """
        #expect(try matrix(text, setting: ["a=7"]).trials.map { $0.settings["a"]?.text } == ["7", "7", "7"])
        #expect(
            try names(text, setting: ["way=v", "matrix.include=[]"]) == ["experiment-a=2-v"])
        #expect(try matrix(text, setting: ["x=5"]).trials.allSatisfy { $0.settings["x"]?.text == "5" })
        #expect(
            try names(text, setting: ["matrix.axes.a={from: 1, to: 3}", "matrix={exclude: [], include: []}"])
                .count == 6)
        #expect(
            failure(text, setting: ["way=w"]).hasPrefix("--set way: matrix.axes.way: no choice is called 'w'")
        )
    }

    @Test("A matrix is extended as all else is: axes replaced, added, and taken away by null")
    func extended() throws {
        let found = try matrix([
            "top/m.yaml":
                "extends: ../b.yaml\nmatrix: {axes: {seed: [5], way: null, c: [1]}}\nset: {path: x}",
            "b.yaml": "name: n\nmatrix: {axes: {seed: [1, 2], way: {u: {}}}}",
        ])
        #expect(found.trials.map(\.name) == ["n-seed=5-c=1"])
    }

    @Test("A path is relative to the file that says it, in a choice too")
    func paths() throws {
        let found = try matrix([
            "top/m.yaml": "extends: ../b.yaml\nmatrix: {axes: {p: [data/x, /y]}}",
            "b.yaml": "matrix: {axes: {way: {u: {q: data/z}}}}",
        ])
        func path(_ key: String, _ trial: Int) throws -> String {
            var decoder = ConfigurationDecoder()
            let value = try #require(found.trials[trial].settings[key])
            let path = PathSetting.codec.decode(value, default: nil, &decoder)
            return try #require(path).path
        }
        #expect(try path("p", 0).hasSuffix("/top/data/x") && path("p", 1) == "/y")
        #expect(try path("q", 0).hasSuffix("/top/../data/z"))
    }

    @Test(
        "What is wrong is said where it stands",
        arguments: [
            ("matrix: [1]", "m.yaml:1:9: matrix: expected a mapping with axes, exclude, include or names"),
            ("matrix: {axis: {}}", "m.yaml:1:10: matrix.axis: unknown key, did you mean 'axes'?"),
            ("matrix: {}", "m.yaml:1:9: matrix: there is no trial: give axes, or include some"),
            ("matrix: {axes: {a: 1}}", "m.yaml:1:20: matrix.axes.a: expected a list of values, {from: …"),
            ("matrix: {axes: {a: []}}", "m.yaml:1:20: matrix.axes.a: expected a list of values"),
            ("matrix: {axes: {a: {}}}", "m.yaml:1:20: matrix.axes.a: there are no variants"),
            ("matrix: {axes: {a: {u: 1}}}", "m.yaml:1:24: matrix.axes.a.u: expected a mapping of settings"),
            ("matrix: {axes: {a..b: [1]}}", "m.yaml:1:17: matrix.axes.a..b: expected the path of a setting"),
            ("matrix: {axes: {a: {from: 2, to: 1}}}", "m.yaml:1:20: matrix.axes.a: it is empty: from 2"),
            ("matrix: {axes: {a: {from: 0, to: 1, step: 0}}}", "m.yaml:1:43: matrix.axes.a.step: expected a"),
            ("matrix: {axes: {a: {from: 0, to: 1e9}}}", "m.yaml:1:20: matrix.axes.a: more than 10000"),
            ("matrix: {axes: {a: [1, 1]}}", "m.yaml:1:24: matrix.axes.a: two choices are called '1'"),
            (
                "matrix: {axes: {a: {from: 1, to: 200}, b: {from: 1, to: 200}}}",
                "m.yaml:1:9: matrix: more than 10000 trials"
            ),
            (
                "matrix: {axes: {seed: [1]}, exclude: [{sede: 1}]}",
                "m.yaml:1:40: matrix.exclude[0].sede: no such"
            ),
            (
                "matrix: {axes: {a: {u: {}}}, exclude: [{a: v}]}",
                "m.yaml:1:44: matrix.exclude[0].a: no choice"
            ),
            ("matrix: {axes: {a: [1]}, include: {a: 1}}", "m.yaml:1:35: matrix.include: expected a list"),
            ("matrix: {axes: {a: [1, 2]}, names: x}", "m.yaml:1:36: matrix: two trials are called 'x'"),
            ("matrix: {axes: {a: [1]}, names: '{b}'}", "m.yaml:1:33: matrix.names: no axis is called 'b'"),
            ("matrix: {axes: {a: [1]}, names: '{a'}", "m.yaml:1:33: matrix.names: '{' without '}'"),
            (
                "matrix: {axes: {a: [1]}, include: [{}], names: '{a}'}",
                "m.yaml:1:36: matrix.include[0]: names has {a}, on which nothing is chosen"
            ),
        ])
    func errors(_ text: String, _ message: String) {
        #expect(failure(text).hasPrefix(message), "\(failure(text))")
    }

    @Test("Every trial is checked whole, and what is wrong in several is said once")
    func experiments() throws {
        let run = try TinyRun()
        let text = TinyRun.spec + "matrix: {axes: {seed: [1, 2], method: [bilevel, bilevle]}}\n"
        #expect {
            try matrix(text).experiments(run.registry, TinyRun.defaults)
        } throws: { error in
            (error as? ConfigurationErrors)?.errors.count == 1 && "\(error)".contains("'bilevle'")
        }
        let sound = try matrix(text, setting: ["method=bilevel"]).experiments(run.registry, TinyRun.defaults)
        #expect(sound.map(\.spec.seed) == [1, 2] && sound[1].spec.name == "tiny-seed=2-method=bilevel")
    }
}
