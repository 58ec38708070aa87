import Datasets
import ErrataCore
import Foundation
import PictureTesting
import Testing

@Suite("Arrays and IDX files as data sets")
struct ArraysTests {
    @Test("Each setting says which file, which array and what numbers mean")
    func settings() throws {
        let fixtures = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "DatasetsTests/Fixtures").path
        let names = "images: bytes, labels: labels, test_images: unit, test_labels: column"
        let all = try data("arrays", "{path: '\(fixtures)/arrays.npz', \(names)}")
        #expect(all.images == ImageSpecification(height: 3, width: 4, channels: 2, classes: 3))
        #expect(try all.test.image(5) == all.training.image(5) && all.training.image(5)[23] == 143)
        #expect(all.test.labels == [0, 1, 2, 2, 1, 0] && all.test.classNames == ["0", "1", "2"])
        let other = try data(
            "arrays",
            "{path: '\(fixtures)/arrays.npz', test_path: '\(fixtures)/arrays.h5', images: first, labels: labels, "
                + "test_images: first, test_labels: labels, channels_first: true, class_names: [x, y, z]}")
        #expect(other.images == all.images && other.test.classNames == ["x", "y", "z"])
        #expect(try other.test.image(5) == all.training.image(5))
        let ranged = try data(
            "arrays",
            "{path: '\(fixtures)/arrays.npz', images: signed, labels: labels, test_images: signed, test_labels: labels, "
                + "range: [-100, 410]}")
        #expect(try ranged.training.image(5)[23] == 72)
        for (settings, reason) in [
            ("{}", "path is needed"), ("{path: x, range: [1, 0]}", "expected two numbers, the second larger"),
            ("{path: '\(fixtures)/arrays.npz'}", "has no 'x_train.npy' (there are: big.npy"),
        ] {
            let error = #expect(throws: (any Error).self) { try data("arrays", settings) }
            #expect("\(error!)".contains(reason), "\(error!)")
        }
    }

    @Test("Numbers of an IDX file are samples by their range")
    func idx() throws {
        let tree = try FileTree([
            "images": [0, 0, 0x09, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 0x80, 0x7F],
            "labels": [0, 0, 8, 1, 0, 0, 0, 1, 0],
        ])
        let files =
            ["images", "test_images"].map { "\($0): '\(tree.path)/images'" }
            + ["labels", "test_labels"].map { "\($0): '\(tree.path)/labels'" }
        let settings = "\(files.joined(separator: ", ")), class_names: [a], padding: 1"
        #expect(throws: (any Error).self) { try data("idx", "{\(settings)}") }
        let image = try data("idx", "{\(settings), range: [-128, 127]}").test.image(0)
        #expect(image == [0, 0, 0, 0, 0, 0, 255, 0, 0, 0, 0, 0])
    }
}
