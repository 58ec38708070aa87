import Datasets
import TensorEngine
import Testing

@Suite("Augmentation")
struct AugmentationTests {
    let set = NumberedDataset(count: 200, height: 6, width: 7, channels: 3)

    /// All augmented images as bytes, in the data set's order; −1 where the value is exactly 0.
    private func augmented(_ augmentation: Augmentation) throws -> [[Int]] {
        // No byte becomes 0 but by cutout.
        let shifted = try PixelNormalization(mean: [-1, -1, -1], deviation: [1, 1, 1])
        let loader = try BatchLoader(
            set,
            .init(
                batchSize: set.count, shuffles: false, augmentation: augmentation, normalization: shifted,
                dtype: .float64), on: backend, random: RandomStream(seed: 11))
        let values = try loader.batch(step: 0).images.doubles()
        let bytes = values.map { $0 == 0 ? -1 : Int((($0 - 1) * 255).rounded()) }
        return (0..<set.count).map { Array(bytes[$0 * set.imageByteCount..<($0 + 1) * set.imageByteCount]) }
    }

    /// The image shifted, mirrored: a plain definition.
    private func expected(_ image: Int, _ rows: Int, _ columns: Int, isFlipped: Bool) -> [Int] {
        var result: [Int] = []
        for row in 0..<set.height {
            for column in 0..<set.width {
                let (y, x) = (row + rows, (isFlipped ? set.width - 1 - column : column) + columns)
                let isInside = y >= 0 && y < set.height && x >= 0 && x < set.width
                for channel in 0..<set.channels {
                    result.append(isInside ? Int(set.byte(image, y, x, channel)) : 0)
                }
            }
        }
        return result
    }

    @Test("A crop of the padded image is a shift, and every shift happens")
    func crop() throws {
        var shifts: Set<[Int]> = []
        for (index, image) in try augmented(Augmentation(cropPadding: 2)).enumerated() {
            let matches = (-2...2).flatMap { y in (-2...2).map { [y, $0] } }
                .filter { expected(index, $0[0], $0[1], isFlipped: false) == image }
            #expect(matches.count == 1)
            shifts.formUnion(matches)
        }
        #expect(shifts.count == 25)
    }

    @Test("A choice says which pixel goes where: mirrored within the crop")
    func choice() {
        var choice = Augmentation.Choice()
        (choice.row, choice.column, choice.isFlipped) = (1, -1, true)
        (choice.cutRows, choice.cutColumns) = (0..<2, 3..<4)
        func source(_ row: Int, _ column: Int) -> Augmentation.Source {
            choice.source(row: row, column: column, height: 6, width: 7)
        }
        #expect(source(0, 0) == .pixel(1 * 7 + 5))
        #expect(source(4, 5) == .pixel(5 * 7 + 0))
        #expect(source(5, 0) == .border)
        #expect(source(0, 6) == .border)
        #expect(source(1, 3) == .cut)
        #expect(source(2, 3) == .pixel(3 * 7 + 2))
    }

    @Test("A flip mirrors about half of the images")
    func flip() throws {
        var flips = 0
        for (index, image) in try augmented(Augmentation(horizontalFlip: true)).enumerated() {
            let isFlipped = image == expected(index, 0, 0, isFlipped: true)
            #expect(isFlipped || image == expected(index, 0, 0, isFlipped: false))
            flips += isFlipped ? 1 : 0
        }
        #expect((70...130).contains(flips), "\(flips) of 200")
    }

    @Test("Cutout zeroes a square, less where it leaves the image", arguments: [1, 3, 4])
    func cutout(length: Int) throws {
        var areas: Set<Int> = []
        for (index, image) in try augmented(Augmentation(cutoutLength: length)).enumerated() {
            let whole = expected(index, 0, 0, isFlipped: false)
            let cut = image.indices.filter { image[$0] == -1 }
            #expect(image.indices.allSatisfy { image[$0] == -1 || image[$0] == whole[$0] })
            let pixels = Set(cut.map { $0 / 3 })
            #expect(cut.count == 3 * pixels.count)
            let rows = Set(pixels.map { $0 / set.width })
            let columns = Set(pixels.map { $0 % set.width })
            #expect(pixels.count == rows.count * columns.count)
            #expect(rows.max()! - rows.min()! == rows.count - 1)
            #expect(columns.max()! - columns.min()! == columns.count - 1)
            areas.insert(pixels.count)
        }
        #expect(areas.max() == length * length)
        #expect(areas.min()! >= ((length + 1) / 2) * ((length + 1) / 2))
    }

    @Test("Without augmentation images are as they are")
    func none() throws {
        for (index, image) in try augmented(.none).enumerated() {
            #expect(image == expected(index, 0, 0, isFlipped: false))
        }
    }

    @Test("Lengths that do not fit the images are refused")
    func refusals() throws {
        for augmentation in [
            Augmentation(cropPadding: -1), Augmentation(cropPadding: 6), Augmentation(cutoutLength: -1),
            Augmentation(cutoutLength: 13),
        ] {
            #expect(throws: DatasetError.self) { try augmented(augmentation) }
        }
    }
}
