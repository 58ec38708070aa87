import Glibc
import TensorEngine

/// Files with a class each.
public struct LabelledFiles: Sendable, Hashable {
    /// What the files' names are relative to, without a slash at its end.
    public let root: String
    /// In an order that depends on the names alone.
    public let names: [String]
    public let labels: [Int32]
    /// One for each class, in the order of the labels.
    public let classNames: [String]

    init(root: String, names: [String], labels: [Int32], classNames: [String]) {
        self.root = root
        self.names = names
        self.labels = labels
        self.classNames = classNames
    }

    public var count: Int { names.count }

    /// The file's path.
    public func path(_ index: Int) -> String {
        names[index].hasPrefix("/") ? names[index] : "\(root)/\(names[index])"
    }

    /// Some of the files.
    public func selecting(_ indices: [Int]) -> LabelledFiles {
        LabelledFiles(
            root: root, names: indices.map { names[$0] }, labels: indices.map { labels[$0] },
            classNames: classNames)
    }

    // MARK: Folders

    /// The images in a folder for each class; what lies in folders within one is the class's too. Classes and files are
    /// in the order of their names' bytes. Hidden files and those that end otherwise than .jpg, .jpeg or .png, in any
    /// letters, are left out.
    ///
    /// - Parameters:
    ///   - root: holds the classes' folders.
    ///   - classNames: the classes that there are; the folders' names by default.
    /// - Throws: `FileError` if a folder cannot be read; `DatasetError` if there is no folder or no image, or a folder
    ///   is none of the classes.
    public init(folders root: String, classNames: [String]? = nil) throws {
        let folders = try Self.entries(of: root).filter { isDirectory("\(root)/\($0)") }
        try require(
            !folders.isEmpty, root, "holds no folders, expected one for each class, with the images in it")
        let classNames = classNames ?? folders
        let labels = Dictionary(
            zip(classNames, Int32(0)...), uniquingKeysWith: { first, _ in first })
        var (names, found): ([String], [Int32]) = ([], [])
        for folder in folders {
            guard let label = labels[folder] else {
                throw DatasetError(
                    "\(root)/\(folder)",
                    "is none of the \(classNames.count) classes, expected a folder for each of those")
            }
            let images = try Self.images(in: folder, of: root, depth: 0)
            names += images
            found += repeatElement(label, count: images.count)
        }
        try require(!names.isEmpty, root, "its \(folders.count) folders hold no images (.jpg, .jpeg, .png)")
        self.init(root: root, names: names, labels: found, classNames: classNames)
    }

    /// The names of a folder's images and of those in its folders.
    static func images(in folder: String, of root: String, depth: Int) throws -> [String] {
        let path = folder.isEmpty ? root : "\(root)/\(folder)"
        try require(depth < 32, path, "folders within folders, 32 deep: a link that leads back?")
        return try entries(of: path).flatMap { entry in
            let name = folder.isEmpty ? entry : "\(folder)/\(entry)"
            if isDirectory("\(root)/\(name)") { return try images(in: name, of: root, depth: depth + 1) }
            let suffix = entry.lowercased()
            return [".jpg", ".jpeg", ".png"].contains(where: suffix.hasSuffix) ? [name] : []
        }
    }

    /// The names in a folder in the order of their bytes, without hidden ones.
    private static func entries(of path: String) throws -> [String] {
        guard let directory = opendir(path) else { throw FileError.system(path, "cannot be opened") }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    // MARK: Lists

    /// The files that a list names: CSV with a header that has the columns `path` and `label`.
    ///
    /// - Parameters:
    ///   - list: the CSV file; relative paths in it are relative to `root`.
    ///   - root: by default the folder that the list is in.
    ///   - classNames: the classes that there are; the list's labels by default, by number where all are numbers, else
    ///     by their bytes.
    /// - Throws: `FileError` if it cannot be read; `DatasetError` with the line if it is not such a list.
    public init(list: String, root: String? = nil, classNames: [String]? = nil) throws {
        let rows = try CSV.rows(of: list, columns: ["path", "label"])
        try require(!rows.isEmpty, list, "names no file")
        let names = classNames ?? Self.sorted(Set(rows.map { $0.fields[1] }))
        let labels = Dictionary(zip(names, Int32(0)...), uniquingKeysWith: { first, _ in first })
        let slash = list.lastIndex(of: "/")
        self.init(
            root: root ?? slash.map { String(list[..<$0]) } ?? ".", names: rows.map { $0.fields[0] },
            labels: try rows.map { row in
                guard let label = labels[row.fields[1]] else {
                    throw DatasetError(
                        list,
                        "line \(row.line): '\(row.fields[1])' is none of the \(names.count) classes: \(names.prefix(10).joined(separator: ", "))\(names.count > 10 ? ", …" : "")"
                    )
                }
                return label
            }, classNames: names)
    }

    private static func sorted(_ labels: Set<String>) -> [String] {
        let numbers = labels.compactMap { Int($0) }
        return numbers.count == labels.count
            ? labels.sorted { Int($0)! < Int($1)! }
            : labels.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// The list as `init(list:)` reads it.
    public var list: String {
        "path,label\n"
            + zip(names, labels).map { "\(CSV.quoted($0)),\(CSV.quoted(classNames[Int($1)]))\n" }.joined()
    }
}
