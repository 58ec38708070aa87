import ErrataCore
import Foundation
import Pickle

/// The folder of NATS-Bench's topology search space (Dong et al., 2021), `NATS-tss-v1_0-3ffb9-simple`: the same 15,625 cells, a
/// compressed pickle for each. A cell's file is read when it is looked up; nothing in it is executed.
///
/// The accuracies are those after all 200 epochs, means over the seeds that were trained.
struct NATSBenchTable: NASBench201Table {
    private let path: String
    private let numbers: [String: Int]

    /// A column, and which data set's results on which part it is.
    private static let results: [(column: String, dataset: String, part: String)] = [
        ("cifar10_validation", "cifar10-valid", "x-valid"), ("cifar10_test", "cifar10", "ori-test"),
        ("cifar100_validation", "cifar100", "x-valid"), ("cifar100_test", "cifar100", "x-test"),
        ("imagenet16_validation", "ImageNet16-120", "x-valid"),
        ("imagenet16_test", "ImageNet16-120", "x-test"),
    ]

    var columns: [String] { Self.results.map(\.column) }

    init(_ path: String) throws {
        self.path = path
        let file = "\(path)/meta.pickle.pbz2"
        guard let names = try Self.read(file)["meta_archs"]?.elements else {
            throw NASBench201TableError(file, "no list 'meta_archs' of cells, expected NATS-Bench's")
        }
        var numbers: [String: Int] = [:]
        for (number, name) in names.enumerated() { if let text = name.text { numbers[text] = number } }
        self.numbers = numbers
    }

    private static func read(_ file: String) throws -> PickleValue {
        guard let data = FileManager.default.contents(atPath: file) else {
            throw NASBench201TableError(
                file, "cannot be read, expected a file of NATS-Bench's folder for the topology search space")
        }
        do { return try PickleReader.read(Bzip2.decompressed(Array(data))) } catch {
            throw NASBench201TableError(file, "\(error)")
        }
    }

    func values(of genotype: NASBench201Genotype) throws -> [String: Double] {
        guard let number = numbers["\(genotype)"] else {
            throw NASBench201TableError(path, "\(genotype) is not among its \(numbers.count) cells")
        }
        let digits = String(number)
        let file = "\(path)/\(String(repeating: "0", count: max(0, 6 - digits.count)))\(digits).pickle.pbz2"
        guard let runs = try Self.read(file)["200"]?["all_results"]?.entries else {
            throw NASBench201TableError(file, "no results after 200 epochs")
        }
        var values: [String: Double] = [:]
        for (column, dataset, part) in Self.results {
            // Runs are named by a data set and a seed, their accuracies by a part and an epoch.
            let accuracies = runs.filter { $0.key.elements?.first?.text == dataset }.compactMap { run in
                run.value["eval_acc1es"]?.entries?.compactMap { entry -> (epoch: Int, accuracy: Double)? in
                    let name = entry.key.text?.split(separator: "@") ?? []
                    guard name.count == 2, name[0] == part, let epoch = Int(name[1]),
                        let value = entry.value.number
                    else { return nil }
                    return (epoch, value)
                }.max { $0.epoch < $1.epoch }?.accuracy
            }
            guard !accuracies.isEmpty else {
                throw NASBench201TableError(file, "no accuracies of '\(dataset)' on '\(part)'")
            }
            values[column] = accuracies.reduce(0, +) / Double(accuracies.count)
        }
        return values
    }
}
