import Datasets
import ErrataCore
import Glibc

/// ImageNet's settings: the tree that its archives unpack to.
struct ImageNetConfiguration: Configuration {
    var path = PathSetting()
    var trainingList: PathSetting?
    var testLabels: PathSetting?
    var images = {
        var images = PictureSettings()
        (images.size, images.cropFraction) = (224, 0.875)
        return images
    }()

    /// Names under which the classes of `val` are found in the tree.
    private static let maps = [
        "val.txt", "LOC_val_solution.csv", "imagenet_2012_validation_synset_labels.txt",
    ]

    private static let expected =
        "Expected a folder with train/n01440764/*.JPEG and the other classes of ILSVRC 2012 (https://image-net.org), and "
        + "val/n01440764/*.JPEG likewise or val/*.JPEG with test_labels, a file of their classes"

    static var fields: [ConfigurationField<Self>] {
        [
            .init("path", \.path, "holds train/CLASS/*.JPEG, and val/CLASS/*.JPEG or val/*.JPEG"),
            .init(
                "training_list", \.trainingList,
                "use the training images of this list alone: a CSV of path and label, as `errata data subset` writes"
            ),
            .init(
                "test_labels", \.testLabels,
                "the classes of a flat val folder: a line `NAME CLASS` for each image, or CLASS in the order of names; by default "
                    + maps.joined(separator: ", ") + " beside it"),
            .init("images", \.images, "how files become images"),
        ]
    }

    func validate() throws {
        guard path != PathSetting() else {
            throw DatasetError("ImageNet", "path is needed. \(Self.expected)")
        }
    }

    func load() throws -> ImageData {
        let root = path.path
        for folder in ["train", "val"] where !isDirectory("\(root)/\(folder)") {
            throw DatasetError(root, "has no folder '\(folder)'. \(Self.expected)")
        }
        let whole = try LabelledFiles(folders: "\(root)/train")
        let training =
            try trainingList.map {
                try LabelledFiles(list: $0.path, root: "\(root)/train", classNames: whole.classNames)
            } ?? whole
        return try images.data(
            training: training, test: try test(classNames: whole.classNames), name: "ImageNet")
    }

    private func test(classNames: [String]) throws -> LabelledFiles {
        let (root, folder) = (path.path, "\(path.path)/val")
        if let testLabels {
            return try LabelledFiles(folder: folder, map: testLabels.path, classNames: classNames)
        }
        for map in Self.maps where access("\(root)/\(map)", F_OK) == 0 {
            return try LabelledFiles(folder: folder, map: "\(root)/\(map)", classNames: classNames)
        }
        return try LabelledFiles(folders: folder, classNames: classNames)
    }
}
