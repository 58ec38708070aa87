import Datasets
import Foundation
import PictureTesting
import TensorEngine
import Testing

@Suite("Folders and lists of pictures")
struct PictureDatasetTests {
    let tree: FileTree

    init() throws { tree = try FileTree() }

    private func write(_ files: [String: [UInt8]]) throws { try tree.write(files) }

    private func file(_ name: String, _ text: String) throws -> String {
        try tree.write([name: Array(text.utf8)])
        return "\(tree.path)/\(name)"
    }

    private func dataset(_ fit: PictureFit, scalesDecoding: Bool = true, _ files: LabelledFiles? = nil) throws
        -> PictureDataset
    {
        try PictureDataset(
            name: "pictures", files: files ?? LabelledFiles(folders: tree.path), fit: fit,
            scalesDecoding: scalesDecoding)
    }

    @Test("A class is a folder, and what lies below; the order is that of the names")
    func folders() throws {
        try write([
            "b/2.png": png(plain(2, 2, [1])), "b/10.JPG": jpeg(plain(8, 8, [2])),
            "a/deep/er/x.jpeg": jpeg(plain(8, 8, [3])),
            "b/.hidden.png": [], "b/notes.txt": [], "top.png": [], "C/y.png": png(plain(3, 3, [4])),
        ])
        let files = try LabelledFiles(folders: tree.path)
        #expect(files.classNames == ["C", "a", "b"])
        #expect(files.names == ["C/y.png", "a/deep/er/x.jpeg", "b/10.JPG", "b/2.png"])
        #expect(files.labels == [0, 1, 2, 2])
        #expect(try dataset(PictureFit(height: 4, width: 4)).image(3) == [UInt8](repeating: 1, count: 48))
        let chosen = try LabelledFiles(folders: tree.path, classNames: ["b", "a", "C", "d"])
        #expect(chosen.labels == [2, 1, 0, 0])
        for (path, classes, reason) in [
            (tree.path + "/b", nil, "holds no folders"),
            (tree.path, ["a", "b"], "is none of the 2 classes"),
        ] as [(String, [String]?, String)] {
            let error = try #require(throws: DatasetError.self) {
                try LabelledFiles(folders: path, classNames: classes)
            }
            #expect(error.reason.contains(reason), "\(error)")
        }
        try write(["empty/x/readme": []])
        #expect(throws: DatasetError.self) { try LabelledFiles(folders: tree.path + "/empty") }
        #expect(throws: FileError.self) { try LabelledFiles(folders: tree.path + "/none") }
    }

    @Test("A thousand classes have labels beyond a byte")
    func thousandClasses() throws {
        let file = png(plain(1, 1, [5]))
        for label in 0..<1000 { try write(["\(label + 1000)/x.png": file]) }
        let set = try dataset(PictureFit(height: 2, width: 2))
        #expect(set.classNames.count == 1000 && set.labels == (0..<1000).map(Int32.init))
        let loader = try BatchLoader(
            set, .init(batchSize: 1000, shuffles: false, normalization: identity(3)), on: backend,
            random: RandomStream(seed: 1))
        #expect(try loader.batch(step: 0).labels.values(of: Int32.self) == set.labels)
    }

    @Test("A list names paths and labels in any columns, quoted or not, and is written as it is read")
    func lists() throws {
        let text =
            "label,note,path\r\nzebra,\"a, \"\"b\"\"\",\"x,1.png\"\r\nant,,/y.png\n\nzebra,\"two\nlines\",z.png"
        let list = try file("list.csv", "\u{FEFF}" + text)
        let files = try LabelledFiles(list: list)
        #expect(files.classNames == ["ant", "zebra"] && files.labels == [1, 0, 1])
        #expect(
            (0..<3).map(files.path) == ["\(tree.path)/x,1.png", "/y.png", "\(tree.path)/z.png"])
        let again = try LabelledFiles(
            list: file("again.csv", files.list), classNames: files.classNames)
        #expect(again == files)
        let numbers = try file("numbers.csv", "path,label\na,10\nb,9\n")
        #expect(try LabelledFiles(list: numbers).classNames == ["9", "10"])
        #expect(try LabelledFiles(list: numbers, root: "/elsewhere").path(0) == "/elsewhere/a")
        for (text, reason) in [
            ("", "is empty, expected a header"), ("path,class\na,b\n", "line 1: no column 'label'"),
            ("path,label\n\na\n", "line 3: 1 fields, expected 2"),
            ("path,label\n\"a,b\n", "line 2: a quote that does not end"),
            ("path,label\n", "names no file"),
        ] {
            let error = try #require(throws: DatasetError.self) {
                try LabelledFiles(list: file("wrong.csv", text))
            }
            #expect(error.reason.contains(reason), "\(error)")
        }
        let error = try #require(throws: DatasetError.self) {
            try LabelledFiles(list: list, classNames: ["ant", "bee"])
        }
        #expect(error.reason.contains("line 2: 'zebra' is none of the 2 classes"))
        try fuzz(Array(text.utf8)) {
            try write(["fuzzed.csv": $0])
            _ = try LabelledFiles(list: tree.path + "/fuzzed.csv")
        }
    }

    @Test("A picture is cropped, padded or stretched to the size")
    func fits() throws {
        // Three vertical bands: black, red, white.
        let bands = PixelImage(
            height: 20, width: 60, channels: 3,
            pixels: (0..<1200).flatMap { [[0, 0, 0], [255, 0, 0], [255, 255, 255]][$0 % 60 / 20] })
        try write(["a/x.png": png(bands)])
        func colors(_ fit: PictureFit) throws -> [[UInt8]] {
            let image = try dataset(fit).image(0)
            return (0..<10).map { Array(image[3 * (50 + $0)..<3 * (50 + $0) + 3]) }
        }
        #expect(
            try colors(PictureFit(height: 10, width: 10)) == [[UInt8]](repeating: [255, 0, 0], count: 10))
        let stretched = try colors(PictureFit(height: 10, width: 10, mode: .stretch))
        #expect(
            stretched[0] == [0, 0, 0] && stretched[4] == [255, 0, 0] && stretched[9] == [255, 255, 255])
        let padded = try dataset(PictureFit(height: 10, width: 10, mode: .pad)).image(0)
        let rows = (0..<10).map { Array(padded[30 * $0..<30 * $0 + 30]) }
        #expect(rows.indices.filter { rows[$0].contains(255) } == [3, 4, 5])
        let part = try colors(PictureFit(height: 10, width: 20, cropFraction: 0.5))
        #expect(part == [[UInt8]](repeating: [255, 0, 0], count: 10))
        #expect(throws: DatasetError.self) { try dataset(PictureFit(height: 0, width: 10)) }
        #expect(throws: DatasetError.self) { try dataset(PictureFit(height: 1, width: 1, cropFraction: 1.5)) }
    }

    @Test("A JPEG is decoded at a fraction of its size where that suffices, to nearly the same pixels")
    func scaledDecoding() throws {
        try write(["a/x.jpg": jpeg(ramp(400, 600))])
        let fit = PictureFit(height: 40, width: 40)
        let (fast, exact) = try (
            dataset(fit).image(0), dataset(fit, scalesDecoding: false).image(0)
        )
        #expect(fast != exact)
        #expect(zip(fast, exact).map { abs(Int($0) - Int($1)) }.max()! <= 4)
        let region = PixelRegion(top: 100, left: 200, height: 50, width: 50)
        var buffer = fast
        try buffer.withUnsafeMutableBufferPointer {
            try dataset(fit).copyImage(0, of: { _, _ in region }, into: $0)
        }
        let expected = ramp(400, 600).resized(region, height: 40, width: 40).pixels
        #expect(zip(buffer, expected).map { abs(Int($0) - Int($1)) }.max()! <= 6)
    }

    @Test("Broken files are found and left out, each with its reason; without a sound one there is no set")
    func broken() throws {
        try write([
            "a/1.png": png(plain(4, 4, [9])), "a/2.png": [1, 2, 3, 4],
            "b/3.jpg": Array(jpeg(plain(8, 8, [9])).dropLast(40)),
            "b/4.png": png(plain(4, 4, [8])),
        ])
        let whole = try dataset(PictureFit(height: 4, width: 4))
        let (rest, problems) = try whole.withoutBrokenFiles()
        #expect(rest.files.names == ["a/1.png", "b/4.png"] && rest.labels == [0, 1])
        #expect(problems.map(\.subject) == ["a/2.png", "b/3.jpg"].map { "\(tree.path)/\($0)" })
        #expect(throws: DatasetError.self) {
            try dataset(PictureFit(height: 4, width: 4), whole.files.selecting([1])).withoutBrokenFiles()
        }
    }

    @Test("Batches of decoded pictures are the same each time, whatever thread makes them")
    func batches() throws {
        for index in 0..<12 { try write(["a/\(index).jpg": jpeg(ramp(30 + index, 50 - index))]) }
        func batch() throws -> [Double] {
            try BatchLoader(
                dataset(PictureFit(height: 16, width: 16)),
                .init(
                    batchSize: 12, transforms: [RandomResizedCrop(), ColorJitter(), Lighting()],
                    augmentation: Augmentation(horizontalFlip: true), normalization: identity(3)),
                on: backend, random: RandomStream(seed: 3)
            ).batch(step: 1).images.doubles()
        }
        let first = try batch()
        for _ in 0..<3 { #expect(try batch() == first) }
    }
}

@Suite("A flat folder whose classes another file says")
struct MappedFilesTests {
    @Test(
        "is read by name or by order, with classes by name or number; what does not fit is said with its line"
    )
    func maps() throws {
        let tree = try FileTree(["val/val_2.JPEG": [], "val/val_1.JPEG": [], "val/val_3.JPEG": []])
        func files(_ text: String) throws -> LabelledFiles {
            try tree.write(["map": Array(text.utf8)])
            return try LabelledFiles(
                folder: tree.path + "/val", map: tree.path + "/map", classNames: ["n01", "n02", "n03"])
        }
        for text in [
            "n03\nn01\nn02\n", "val_2.JPEG n01\nval_3.JPEG n02\nval_1.JPEG n03",
            "val_3 1\nval_1.JPEG\t2\r\nval_2 0\n",
            "ImageId,PredictionString\nval_1,n03 5 7 8 9\nval_3,n02 1 2 3 4 n02 1 2 3 4\nval_2,n01 1 2 3 4\n",
        ] {
            let files = try files(text)
            #expect(files.names == ["val_1.JPEG", "val_2.JPEG", "val_3.JPEG"] && files.labels == [2, 0, 1])
        }
        for (text, reason) in [
            ("n03\nn04\n", "line 2: 'n04' is none of the 3 classes"), ("val_1 3", "line 1: '3' is none"),
            ("n03\nn01\n", "says no class for val_3.JPEG"), ("n01\nn01\nn01\nn01", "line 4: no image"),
            ("val_9 1", "line 1: no image"), ("val_1 1\nval_1 2", "line 2: a second class for val_1.JPEG"),
        ] {
            let error = try #require(throws: DatasetError.self) { try files(text) }
            #expect(error.reason.contains(reason), "\(error)")
        }
    }
}
