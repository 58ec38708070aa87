import Bilevel
import DARTS
import DCGAN
import ErrataCLI
import Experiments
import Images
import LFM
import LeastSquares
import Pointwise

ErrataCLI.main(
    plugins: [
        DARTSPlugin(), DCGANPlugin(), LFMPlugin(), BilevelPlugin(), ImagesPlugin(), LeastSquaresPlugin(),
        PointwisePlugin(),
    ],
    defaults: ComponentDefaults(
        searchSpace: "pointwise", method: "lfm", generator: "least-squares", weighter: "validation-loss",
        hypergradient: "first-order", dataset: "procedural"))
