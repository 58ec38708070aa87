import Datasets
import Foundation
import Testing

@Suite("Picture files")
struct PictureFileTests {
    let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    /// A data set of one file, in the file's own size.
    private func image(_ path: String, height: Int = 37, width: Int = 52, channels: Int = 3) throws -> [UInt8]
    {
        let files = try LabelledFiles(list: directory.file("list.csv", Array("path,label\n\(path),a\n".utf8)))
        return try PictureDataset(
            name: "one", files: files, fit: PictureFit(height: height, width: width), channels: channels
        ).image(0)
    }

    /// How far a sample differs from Pillow's: not at all where both decode alike, a little where alpha is blended or 16
    /// bits become 8.
    @Test(
        "are what Pillow reads in them",
        arguments: [
            ("photo.png", 0), ("baseline.jpg", 0), ("progressive.jpg", 0), ("grey.jpg", 0), ("cmyk.jpg", 1),
            ("greyscale.png", 0), ("palette.png", 0), ("bilevel.png", 0), ("rgba.png", 1),
            ("greyalpha.png", 1),
            ("sixteen.png", 0),
        ])
    func contents(_ name: String, _ tolerance: Int) throws {
        let expected = try fixture("\(name.split(separator: ".")[0]).rgb")
        let found = try image(fixturePath(name))
        #expect(found.count == expected.count)
        #expect(zip(found, expected).map { abs(Int($0) - Int($1)) }.max()! <= tolerance)
    }

    @Test("become grey by their luma", arguments: ["photo.png", "baseline.jpg", "cmyk.jpg", "greyscale.png"])
    func grey(_ name: String) throws {
        let color = try image(fixturePath(name))
        let grey = try image(fixturePath(name), channels: 1)
        // A JPEG's own luma; that of its colours differs where those are clipped.
        let differences = grey.enumerated().map { pixel, value in
            let parts = color[3 * pixel..<3 * pixel + 3].map(Double.init)
            return abs(Double(value) - (0.299 * parts[0] + 0.587 * parts[1] + 0.114 * parts[2]))
        }
        #expect(differences.max()! < (name == "baseline.jpg" ? 6 : 2))
        #expect(differences.reduce(0, +) < Double(differences.count))
    }

    @Test(
        "are resized as Pillow does, to the bit",
        arguments: [
            [0, 0, 37, 52, 16, 16], [3, 5, 30, 20, 24, 24], [1, 2, 8, 9, 32, 32], [0, 0, 37, 52, 37, 11],
            [10, 10, 1, 1, 4, 4], [0, 0, 37, 52, 5, 52],
        ])
    func resizing(_ numbers: [Int]) throws {
        let photo = PixelImage(height: 37, width: 52, channels: 3, pixels: try fixture("photo.rgb"))
        let region = PixelRegion(top: numbers[0], left: numbers[1], height: numbers[2], width: numbers[3])
        let resized = photo.resized(region, height: numbers[4], width: numbers[5])
        let name = "resized-\(numbers.map(String.init).joined(separator: "-")).rgb"
        #expect(resized.pixels == (try fixture(name)))
    }

    @Test("that are broken are named, with what is wrong")
    func broken() throws {
        let sound = try fixture("baseline.jpg")
        let cases: [([UInt8], String)] = [
            ([], "is empty"),
            (Array("GIF89a".utf8), "begins neither as JPEG nor as PNG (bytes 71, 73, 70, 56)"),
            (Array(sound[..<200]), "damaged JPEG file"),
            (Array(sound[..<900]), "damaged JPEG file: Premature end"),
            (Array(try fixture("photo.png")[..<700]), "damaged PNG file"),
            (Array(try fixture("photo.png")[..<20]), "damaged PNG file"),
        ]
        for (bytes, reason) in cases {
            let path = try directory.file("broken", bytes)
            let error = try #require(throws: DatasetError.self) { try image(path) }
            #expect(error.subject == path && error.reason.contains(reason), "\(error)")
        }
        #expect(throws: FileError.self) { try image(directory.path + "/missing.jpg") }
    }

    @Test("of more pixels than are decoded are refused before memory is taken")
    func oversized() throws {
        var jpeg = try fixture("baseline.jpg")
        let frame = try #require(jpeg.indices.first { jpeg[$0] == 0xFF && jpeg[$0 + 1] == 0xC0 })
        jpeg.replaceSubrange(frame + 5..<frame + 9, with: [0xFF, 0xDC, 0xFF, 0xDC])
        let path = try directory.file("large.jpg", jpeg)
        let error = try #require(throws: DatasetError.self) { try image(path, height: 4096, width: 4096) }
        #expect(error.reason.contains("of 65500×65500 pixels"), "\(error)")
    }

    @Test(
        "never crash the reader, whatever is wrong with them",
        arguments: ["photo.png", "baseline.jpg", "progressive.jpg", "cmyk.jpg", "palette.png", "rgba.png"])
    func fuzzing(_ name: String) throws {
        let list = try directory.file("list.csv", Array("path,label\nfuzzed,a\n".utf8))
        let set = try PictureDataset(
            name: "fuzzed", files: LabelledFiles(list: list), fit: PictureFit(height: 16, width: 16))
        #expect(
            try fuzz(fixture(name)) {
                _ = try directory.file("fuzzed", $0)
                _ = try set.image(0)
            } > 0)
    }
}
