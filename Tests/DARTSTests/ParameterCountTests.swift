import Cells
import DARTS
import ErrataCore
import TensorEngine
import Testing

@Suite("Published parameter counts")
struct ParameterCountTests {
    let images = ImageSpecification(height: 32, width: 32, channels: 3, classes: 10)

    @Test func supernet() throws {
        #expect(try DARTSSearchSpace().supernet(for: images).layout.parameterCount == 1_930_618)
    }

    @Test(arguments: [
        (CellGenotype.dartsV2, false, 3_349_342), (.dartsV2, true, 3_825_768), (.dartsV1, false, 3_169_414),
        (.dartsV1, true, 3_645_840),
    ])
    func discreteNetwork(_ genotype: CellGenotype, auxiliary: Bool, count: Int) throws {
        let network = try DARTSSearchSpace().network(
            genotype, CellNetworkSettings(channels: 36, cells: 20, auxiliary: auxiliary), for: images)
        #expect(network.layout.parameterCount == count)
    }
}
