extension LabelledFiles {
    /// The images of one folder, whose classes another file says: what ImageNet's validation images come with.
    ///
    /// The map's lines are of one of three forms: the class alone, for the images in the order of their names; or the
    /// image's name, with or without its ending, and the class, between spaces or a comma, after which more may follow. A
    /// class is a name of `classNames` or its number from 0. A first line that begins with `ImageId` is a header.
    ///
    /// - Parameters:
    ///   - folder: holds the images.
    ///   - map: the file of classes.
    ///   - classNames: the classes that there are.
    /// - Throws: `FileError` if something cannot be read; `DatasetError` with the line if a class or an image is unknown,
    ///   an image has no class or two.
    public init(folder: String, map: String, classNames: [String]) throws {
        let images = try Self.images(in: "", of: folder, depth: 0)
        try require(!images.isEmpty, folder, "holds no images (.jpg, .jpeg, .png)")
        let numbers = Dictionary(zip(classNames, Int32(0)...), uniquingKeysWith: { first, _ in first })
        let places = Dictionary(
            images.enumerated().flatMap { [($1, $0), (Self.stem($1), $0)] },
            uniquingKeysWith: { first, _ in first })
        var labels = [Int32?](repeating: nil, count: images.count)
        let text = String(decoding: try RegularFile.contents(of: map), as: UTF8.self)
        var position = 0
        for (index, line) in text.split(
            omittingEmptySubsequences: false, whereSeparator: \.isNewline
        ).enumerated() {
            let words = line.split { $0.isWhitespace || $0 == "," }.map(String.init)
            guard let first = words.first, !(index == 0 && first == "ImageId") else { continue }
            let name = words.count > 1 ? words[1] : first
            guard
                let label = numbers[name]
                    ?? Int32(name).flatMap({ $0 >= 0 && $0 < classNames.count ? $0 : nil })
            else {
                throw DatasetError(
                    map,
                    "line \(index + 1): '\(name)' is none of the \(classNames.count) classes, by name or number"
                )
            }
            let place = words.count > 1 ? places[first] ?? places[Self.stem(first)] : position
            guard let place, place < images.count else {
                throw DatasetError(map, "line \(index + 1): no image for it in \(folder)")
            }
            try require(labels[place] == nil, map, "line \(index + 1): a second class for \(images[place])")
            labels[place] = label
            position += 1
        }
        if let missing = labels.firstIndex(where: { $0 == nil }) {
            throw DatasetError(map, "says no class for \(images[missing]) of \(folder)")
        }
        self.init(root: folder, names: images, labels: labels.map { $0! }, classNames: classNames)
    }

    /// A name without what follows its last point.
    private static func stem(_ name: String) -> String {
        name.lastIndex(of: ".").map { String(name[..<$0]) } ?? name
    }
}
