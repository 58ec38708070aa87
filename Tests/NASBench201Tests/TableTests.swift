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
