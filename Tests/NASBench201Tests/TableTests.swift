import CPUEngine
import ErrataCore
import Foundation
import NASBench201
import TensorEngine
import Testing

@Suite("Tables of NAS-Bench-201's results")
struct TableTests {
    private let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("table-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    private func space(_ text: String) throws -> NASBench201Space {
        let file = folder.appendingPathComponent("\(UUID()).csv")
        try Data(text.utf8).write(to: file)
        return try space(at: file)
    }

    private func space(at file: URL) throws -> NASBench201Space {
        var settings = NASBench201Settings()
        settings.table = PathSetting(file.path)
        return try NASBench201Space(settings)
    }

    /// A that stands for a cell.
    private func architecture(_ genotype: NASBench201Genotype) throws -> [Tensor] {
        let all = NASBench201Operation.allCases
        return [
            try CPUBackend(threads: 1).tensor(
                genotype.operations.flatMap { chosen in all.map { $0 == chosen ? 1.0 : 0 } }, [6, 5])
        ]
    }

    private let cells = [3, 3124, 15_000].map(NASBench201Genotype.init)

    @Test("What an epoch's cell has is among the signs")
    func signs() throws {
        let space = try space(
            "cifar10, arch ,\"cifar100\"\r\n91.5,\(cells[0]),70\r\n\r\n10,\"\(cells[1])\",1.0\r\n")
        #expect(space.signs.map(\.name).suffix(2) == ["table_cifar10", "table_cifar100"])
        let found = try space.signs(of: architecture(cells[0]))
        #expect(found["table_cifar10"] == 91.5 && found["table_cifar100"] == 70)
        #expect(Set(found.keys) == Set(space.signs.map(\.name)))
        #expect(try space.signs(of: architecture(cells[1]))["table_cifar100"] == 1)
        let error = #expect(throws: NASBench201TableError.self) {
            try space.signs(of: architecture(cells[2]))
        }
        #expect(error?.description.contains("is not in the table of 2 cells") == true)
    }

    @Test(
        "What is wrong is said with its line",
        arguments: [
            ("", ": 1: the columns [\"\"], expected 'arch'"), ("arch,a,a\n", "no name twice"),
            ("arch,a\nx,3\n", ": 2: genotype: expected a cell"),
            ("arch,a\n|none~0|+|none~0|none~1|+|none~0|none~1|none~2|\n", ": 2: 1 values, expected 2"),
            (
                "arch,a\n|none~0|+|none~0|none~1|+|none~0|none~1|none~2|,101\n",
                ": 2: a '101', expected a percentage"
            ),
            ("arch,a\n\n|none~0|+|none~0|none~1|+|none~0|none~1|none~2|,nan\n", ": 3: a 'nan', expected"),
        ])
    func malformed(_ text: String, _ message: String) {
        let error = #expect(throws: NASBench201TableError.self) { try space(text) }
        #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
    }

    @Test("A table that is not there")
    func missing() {
        let error = #expect(throws: NASBench201TableError.self) {
            try space(at: folder.appendingPathComponent("none.csv"))
        }
        #expect(error?.description.contains("none.csv: not found, expected a table") == true)
    }
}

@Suite("NATS-Bench's folder")
struct NATSBenchTests {
    private let cells = [
        "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|",
        "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|",
    ]

    private func open(_ path: String) throws -> NASBench201Space {
        var settings = NASBench201Settings()
        settings.table = PathSetting(path)
        return try NASBench201Space(settings)
    }

    private func signs(of cell: String, in space: NASBench201Space) throws -> [String: Double] {
        let all = NASBench201Operation.allCases
        let a = try CPUBackend(threads: 1).tensor(
            NASBench201Genotype(parsing: cell).operations.flatMap { chosen in
                all.map { $0 == chosen ? 1.0 : 0 }
            },
            [6, 5])
        return try space.signs(of: [a])
    }

    @Test("A cell's accuracies after 200 epochs, the seeds' means")
    func values() throws {
        let folder = try #require(Bundle.module.url(forResource: "Fixtures/nats", withExtension: nil))
        let space = try open(folder.path)
        for (number, cell) in cells.enumerated() {
            let found = try signs(of: cell, in: space)
            // The data set's place times 10, the part's, and of two seeds 0 and 1.
            let expected = [
                "cifar10_validation": 0.0, "cifar10_test": 10, "cifar100_validation": 20, "cifar100_test": 21,
                "imagenet16_validation": 30, "imagenet16_test": 31,
            ]
            for (column, value) in expected {
                let sign = try #require(found["table_\(column)"])
                #expect(abs(sign - value - 0.199 - 0.5 - 40 * Double(number)) < 1e-9, "\(column) \(sign)")
            }
            #expect(Set(found.keys) == Set(space.signs.map(\.name)))
        }
        let error = #expect(throws: NASBench201TableError.self) {
            try signs(of: "\(NASBench201Genotype(number: 0))", in: space)
        }
        #expect(error?.description.contains("is not among its 2 cells") == true)
    }

    @Test("Files that are missing, or of something else, are named")
    func missing() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("nats-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        func failure(_ body: () throws -> Void) -> String {
            do { try body() } catch { return "\(error)" }
            return ""
        }
        #expect(failure { _ = try open(folder.path) }.contains("meta.pickle.pbz2: cannot be read"))
        let nats = try #require(Bundle.module.url(forResource: "Fixtures/nats", withExtension: nil))
        func copy(_ name: String, _ target: String) throws {
            let place = folder.appendingPathComponent(target)
            try? FileManager.default.removeItem(at: place)
            try FileManager.default.copyItem(at: nats.appendingPathComponent(name), to: place)
        }
        try copy("000000.pickle.pbz2", "meta.pickle.pbz2")
        #expect(failure { _ = try open(folder.path) }.contains("no list 'meta_archs'"))
        try copy("meta.pickle.pbz2", "meta.pickle.pbz2")
        let space = try open(folder.path)
        #expect(
            failure { _ = try signs(of: cells[1], in: space) }.contains("000001.pickle.pbz2: cannot be read"))
        try Data("BZh9 no".utf8).write(to: folder.appendingPathComponent("000001.pickle.pbz2"))
        #expect(failure { _ = try signs(of: cells[1], in: space) }.contains("damaged bzip2 data"))
        try copy("meta.pickle.pbz2", "000001.pickle.pbz2")
        #expect(failure { _ = try signs(of: cells[1], in: space) }.contains("no results after 200 epochs"))
    }
}
