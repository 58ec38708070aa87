import Datasets
import ErrataCore
import Experiments
import Images
import PictureTesting
import Testing

/// The data set of this name, from settings in YAML.
func data(_ name: String, _ settings: String) throws -> ImageData {
    let registry = try PluginRegistry([ImagesPlugin()])
    let value = try YAMLReader.read(settings, source: "settings")
    let prepared = try registry.datasets.resolve(ComponentSelection(name, settings: value))
    // As a run's spec.yaml has them, with every default.
    let whole = try YAMLReader.read(YAMLWriter.text(prepared.selection.settings), source: "spec.yaml")
    return try registry.datasets.resolve(ComponentSelection(name, settings: whole)).make(())
}

/// A grey byte for each image: what a picture of one colour is brought to, whatever its size.
func shades(_ part: any Dataset) throws -> [UInt8] { try (0..<part.count).map { try part.image($0)[0] } }

/// Pictures of one shade each, by their paths.
func pictures(_ shades: [String: UInt8]) -> [String: [UInt8]] {
    shades.mapValues { png(plain(4, 4, [$0])) }
}

@Suite("Image folders")
struct ImageFolderTests {
    @Test("have folders for training and testing, or val; or a part of each class is held out by a seed")
    func folders() throws {
        for name in ["test", "val"] {
            let tree = try FileTree(pictures(["train/a/1.png": 1, "train/b/2.png": 2, "\(name)/b/3.png": 3]))
            let data = try data("image-folder", "{path: '\(tree.path)', images: {size: 4}}")
            #expect(try shades(data.training) == [1, 2] && shades(data.test) == [3])
            #expect(data.test.labels == [1] && data.test.classNames == ["a", "b"])
        }
        for prefix in ["", "train/"] {
            let files = (0..<20).map { ("\(prefix)\($0 % 2 == 0 ? "a" : "b")/\($0).png", UInt8($0)) }
            let tree = try FileTree(pictures(Dictionary(uniqueKeysWithValues: files)))
            func parts(_ settings: String) throws -> [[UInt8]] {
                let data = try data("image-folder", "{path: '\(tree.path)', images: {size: 4}\(settings)}")
                return try [shades(data.training), shades(data.test)]
            }
            let standing = try parts("")
            #expect(standing[1].count == 4 && standing[1].count { $0 % 2 == 0 } == 2)
            #expect(Set(standing[0] + standing[1]) == Set(0..<20))
            #expect(try parts(", test_fraction: 0.5")[1].count == 10)
            #expect(try parts(", seed: 1") != standing)
            #expect(try parts(", seed: 0") == standing)
        }
    }

    @Test("may be lists, relative to a path or to themselves")
    func lists() throws {
        let tree = try FileTree(
            pictures(["in/1.png": 1, "in/2.png": 2, "in/3.png": 3, "out/1.png": 101, "out/2.png": 102]))
        try tree.write([
            "in/list.csv": Array("path,label\n1.png,x\n2.png,y\n".utf8),
            "in/test.csv": Array("label,path\ny,3.png\n".utf8),
            "out/1.csv": Array("path,label\n1.png,z".utf8),
        ])
        func load(_ settings: String) throws -> ImageData {
            try data("image-folder", "{images: {size: 4}, \(settings)}")
        }
        let (list, test) = ("list: '\(tree.path)/in/list.csv'", "test_list: '\(tree.path)/in/test.csv'")
        let both = try load("\(list), \(test)")
        #expect(try shades(both.training) == [1, 2] && shades(both.test) == [3] && both.test.labels == [1])
        #expect(try load("\(list), test_fraction: 0.5").training.count == 1)
        let elsewhere = try load("\(list), test_fraction: 0.4, path: '\(tree.path)/out'")
        #expect(try (shades(elsewhere.training) + shades(elsewhere.test)).sorted() == [101, 102])
        for (settings, reason) in [
            ("seed: 1", "path is needed"), (test, "test_list without list"),
            ("\(list), test_list: '\(tree.path)/out/1.csv'", "'z' is none of the 2 classes"),
            ("path: '\(tree.path)/none'", "\(tree.path)/none"),
        ] {
            let error = #expect(throws: (any Error).self) { try load(settings) }
            #expect("\(error!)".contains(reason), "\(error!)")
        }
    }

    @Test("become images as the settings say")
    func images() throws {
        let tree = try FileTree([
            "train/a/1.png": png(ramp(20, 40)), "train/a/2.jpg": jpeg(ramp(400, 400)),
            "test/a/1.png": png(plain(4, 4, [90, 30, 60])),
        ])
        func load(_ settings: String) throws -> ImageData {
            try data("image-folder", "{path: '\(tree.path)', images: {\(settings)}}")
        }
        func first(_ settings: String) throws -> [UInt8] { try load(settings).training.image(0) }
        let standing = try load("")
        #expect(standing.images == ImageSpecification(height: 32, width: 32, channels: 3, classes: 1))
        let wide = try load("size: 10, width: 20, channels: 1")
        #expect(wide.images == ImageSpecification(height: 10, width: 20, channels: 1, classes: 1))
        #expect(try wide.test.image(0)[0] == 51)
        let (crop, pad, stretch) = try (
            first("size: 8"), first("size: 8, fit: pad"), first("size: 8, fit: stretch")
        )
        #expect(Set([crop, pad, stretch]).count == 3 && pad[0] == 0 && stretch[1] < crop[1])
        #expect(try first("size: 8, crop_fraction: 0.5")[1] > crop[1])
        #expect(
            try load("size: 40").training.image(1)
                != load("size: 40, scaled_decoding: false").training.image(1))
        try tree.write(["train/a/3.png": [1, 2, 3], "test/a/3.png": []])
        let broken = try load("size: 8")
        #expect(throws: DatasetError.self) { try shades(broken.training) }
        let skipping = try load("size: 8, on_error: skip")
        #expect(skipping.training.count == 2 && skipping.test.count == 1)
        #expect(skipping.notices.count == 2)
        #expect(skipping.notices[0].hasPrefix("skipped: \(tree.path)/train/a/3.png: "))
    }
}

@Suite("ImageNet's tree")
struct ImageNetTests {
    @Test("is read with validation images in folders, or flat beside a map; a list chooses training images")
    func trees() throws {
        let tree = try FileTree(
            pictures(["train/n01/1.JPEG": 1, "train/n02/2.JPEG": 2, "val/n02/3.JPEG": 3]))
        func load(_ settings: String = "") throws -> ImageData {
            try data("imagenet", "{path: '\(tree.path)', images: {size: 4}\(settings)}")
        }
        let folders = try load()
        #expect(try shades(folders.training) == [1, 2] && shades(folders.test) == [3])
        #expect(folders.test.labels == [1])
        try tree.write(["list.csv": Array("path,label\nn02/2.JPEG,n02".utf8)])
        let listed = try load(", training_list: '\(tree.path)/list.csv'")
        #expect(try shades(listed.training) == [2] && listed.training.labels == [1])
        #expect(listed.training.classNames == ["n01", "n02"])

        let flat = try FileTree(
            pictures(["train/n01/1.JPEG": 1, "train/n02/2.JPEG": 2, "val/v2.JPEG": 3, "val/v1.JPEG": 4]))
        func labels(_ settings: String = "") throws -> [Int32] {
            try data("imagenet", "{path: '\(flat.path)', images: {size: 4}\(settings)}").test.labels
        }
        #expect(throws: DatasetError.self) { try labels() }
        try flat.write(["mine.txt": Array("n02\nn01\n".utf8)])
        #expect(try labels(", test_labels: '\(flat.path)/mine.txt'") == [1, 0])
        for name in ["imagenet_2012_validation_synset_labels.txt", "LOC_val_solution.csv", "val.txt"] {
            try flat.write([name: Array("v1 n01\nv2 n02".utf8)])
            #expect(try labels() == [0, 1])
            try flat.write([name: Array("v1 n02\nv2 n01".utf8)])
            #expect(try labels() == [1, 0])
            try flat.write([name: Array("v1 n01\nv2 n02".utf8)])
        }
    }

    @Test("has 224 pixels, the middle 7/8, by default; what is missing is said")
    func defaults() throws {
        let tree = try FileTree(["train/n01/1.JPEG": png(ramp(64, 64)), "val/n01/2.JPEG": png(ramp(64, 64))])
        let data = try data("imagenet", "{path: '\(tree.path)'}")
        #expect(data.images == ImageSpecification(height: 224, width: 224, channels: 3, classes: 1))
        #expect(try data.test.image(0)[0] == 15)
        for (settings, reason) in [
            ("{}", "path is needed. Expected a folder with train/n01440764/*.JPEG"),
            ("{path: '\(tree.path)/train'}", "has no folder 'train'"),
        ] {
            let error = #expect(throws: (any Error).self) { try load(settings) }
            #expect("\(error!)".contains(reason), "\(error!)")
        }
    }

    private func load(_ settings: String) throws -> ImageData { try data("imagenet", settings) }
}
