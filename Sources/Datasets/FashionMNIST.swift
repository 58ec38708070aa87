import Glibc

/// Fashion-MNIST (Xiao, Rasul and Vollgraf, 2017): 28×28 grey images of ten kinds of clothing, 60,000 for
/// training and 10,000 for testing.
public enum FashionMNIST {
    /// The training or the test images; the raw value is what their files' names begin with.
    public enum Part: String, Sendable, CaseIterable {
        case train
        case test = "t10k"
    }

    /// Where the Debian package `dataset-fashion-mnist` puts the files.
    public static let defaultDirectory = "/usr/share/datasets/fashion-mnist"

    public static let classNames = [
        "T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag",
        "ankle boot",
    ]

    /// Reads `{train,t10k}-images-idx3-ubyte` and `…-labels-idx1-ubyte`, plain or with `.gz` appended.
    ///
    /// - Throws: `DatasetError` if a file is missing or unsound.
    public static func load(directory: String = defaultDirectory, split part: Part) throws -> ArrayDataset {
        try require(
            access(directory, F_OK) == 0, directory,
            "no such directory, expected Fashion-MNIST's files there; "
                + "the Debian package dataset-fashion-mnist installs them in \(defaultDirectory)")
        return try ArrayDataset(
            idxImages: file("\(part.rawValue)-images-idx3-ubyte", in: directory),
            labels: file("\(part.rawValue)-labels-idx1-ubyte", in: directory),
            classNames: classNames, name: "Fashion-MNIST")
    }

    private static func file(_ name: String, in directory: String) throws -> String {
        for path in ["\(directory)/\(name)", "\(directory)/\(name).gz"] where access(path, F_OK) == 0 {
            return path
        }
        throw DatasetError(directory, "has neither \(name) nor \(name).gz")
    }
}
