import Datasets
import ErrataCore
import TensorEngine

/// Settings of images in folders or lists of a user's own.
struct ImageFolderConfiguration: Configuration {
    var path: PathSetting?
    var list: PathSetting?
    var testList: PathSetting?
    var testFraction = 0.2
    var seed = 0
    var images = PictureSettings()

    static var fields: [ConfigurationField<Self>] {
        [
            .init(
                "path", \.path,
                "holds train/CLASS/… and test/CLASS/… (or val), or CLASS/…, of which a part is held out"),
            .init(
                "list", \.list,
                "in place of folders: a CSV of the columns path and label, of training images; paths are relative to "
                    + "`path`, or to the list's folder where there is none"),
            .init("test_list", \.testList, "the CSV of test images; where there is none, a part is held out"),
            .init(
                "test_fraction", \.testFraction,
                "the part of each class that is held out for testing, where no images are set apart for it",
                .init("between 0 and 1") { $0 > 0 && $0 < 1 }),
            .init("seed", \.seed, "decides which images are held out", .atLeast(0)),
            .init("images", \.images, "how files become images"),
        ]
    }

    func validate() throws {
        guard testList == nil || list != nil else {
            throw DatasetError("image-folder", "test_list without list, expected both or list alone")
        }
        guard path != nil || list != nil else {
            throw DatasetError(
                "image-folder",
                "path is needed: a folder with train/CLASS/… and test/CLASS/…, or with a folder for each class; or list, a "
                    + "CSV of the columns path and label")
        }
    }

    func load() throws -> ImageData {
        let (training, test) = try files()
        return try images.data(training: training, test: test, name: "image folder")
    }

    private func files() throws -> (training: LabelledFiles, test: LabelledFiles) {
        let whole: LabelledFiles
        if let list {
            whole = try LabelledFiles(list: list.path, root: path?.path)
            if let testList {
                return (
                    whole,
                    try LabelledFiles(list: testList.path, root: path?.path, classNames: whole.classNames)
                )
            }
        } else {
            let root = path?.path ?? ""
            let isDivided = isDirectory("\(root)/train")
            whole = try LabelledFiles(folders: isDivided ? "\(root)/train" : root)
            for folder in ["test", "val"] where isDivided && isDirectory("\(root)/\(folder)") {
                return (
                    whole, try LabelledFiles(folders: "\(root)/\(folder)", classNames: whole.classNames)
                )
            }
        }
        let parts = StratifiedChoice.choose(
            testFraction, of: whole.labels, classes: whole.classNames.count,
            random: RandomStream(seed: UInt64(seed), "held out"))
        return (whole.selecting(parts.rest), whole.selecting(parts.chosen))
    }
}
