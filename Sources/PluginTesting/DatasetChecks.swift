import Datasets
import ErrataCore

extension ComponentCheck {
    mutating func check(_ data: ImageData) {
        for (part, dataset) in [("training", data.training), ("test", data.test)] {
            attempt("the \(part) part") { try $0.check(dataset, part) }
        }
    }

    private mutating func check(_ dataset: any Dataset, _ part: String) throws {
        let classes = dataset.classNames.count
        expect(
            dataset.count > 0, "images of the \(part) part", found: "none", expected: "at least one")
        expect(
            [dataset.height, dataset.width, dataset.channels, classes].allSatisfy { $0 > 0 },
            "the size of \(part) images",
            found: "\(dataset.height)×\(dataset.width)×\(dataset.channels), \(classes) classes",
            expected: "nothing 0")
        let wrong = dataset.labels.filter { !(0..<classes).contains(Int($0)) }
        expect(
            wrong.isEmpty, "\(part) labels", found: "\(wrong.first ?? 0)",
            expected: "labels in 0..<\(classes)")
        let absent = Set(0..<classes).subtracting(dataset.labels.map(Int.init)).sorted()
        expect(
            absent.isEmpty, "\(part) labels", found: "no image of class \(absent.first ?? 0)",
            expected: "images of every class")
        for index in Set([0, dataset.count / 2, dataset.count - 1]).sorted() where index >= 0 {
            expect(
                try dataset.image(index) == dataset.image(index), "\(part) image \(index), read twice",
                found: "different bytes", expected: "the same")
        }
        for index in [-1, dataset.count] {
            expect(
                (try? dataset.image(index)) == nil, "\(part) image \(index)", found: "an image",
                expected: "an error")
        }
    }
}
