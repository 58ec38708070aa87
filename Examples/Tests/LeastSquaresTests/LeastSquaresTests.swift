import LeastSquares
import PluginTesting
import Testing

@Test func conforms() throws { try checkPlugin(LeastSquaresPlugin()) }
