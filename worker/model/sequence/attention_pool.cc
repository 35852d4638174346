// Attention of a learned query (Yang et al., "Hierarchical Attention Networks", NAACL 2016, eqs. 8
// to 10):
//   h_l = tanh(v_l W + b)      a = softmax over l of (h_l . u)      y = sum_l a_l v_l
//
//   v_l, y [dim]   W [dim, width]   b, u [width]
//   M values in the batch, one below the other: h [M, width], a [M]
#include "worker/model/nn/init.h"
#include "worker/model/nn/softmax.h"
#include "worker/model/sequence/packed_sequence.h"
#include "worker/model/sequence/sequence_readers.h"

namespace zhiyin::worker::model {
namespace {

class AttentionPool final : public nn::ColumnLayer {
 public:
  AttentionPool(const SequenceReader::AttentionPool& config, const InputLayout::Part& sequence,
                int64_t* n_weights)
      : dim_(sequence.dim),
        width_(config.width()),
        sequence_(sequence),
        layer_(dim_, width_, nn::Activation::kNone, n_weights),
        u_(*n_weights) {
    *n_weights += width_;
  }

  int out() const override { return dim_; }

  void Init(Random* random, std::span<float> weights) const override {
    layer_.Init(random, weights);
    nn::InitUniform(nn::GlorotRange(width_, 1), u_, width_, random, weights);
  }

  void Forward(std::span<const float> weights, const nn::ConstBlock& x, const nn::Pass&,
               nn::MutableBlock y) override {
    sequence_.Pack(x);
    h_.resize(sequence_.n_values(), width_);
    a_.resize(sequence_.n_values(), 1);
    MatrixView h = h_.view();
    layer_.Forward(weights, sequence_.values(), h);
    h = h.array().tanh().matrix();
    a_.view().noalias() = h * ConstVectorView(weights.data() + u_, width_).transpose();
    nn::SegmentSoftmax(sequence_.begin(), a_.values());
    WeightedSums(sequence_, a_.values(), y);
  }

  void Backward(std::span<const float> weights, const nn::ConstBlock&, const nn::ConstBlock&,
                nn::MutableBlock dy, std::span<float> dweights, nn::MutableBlock dx) override {
    const int n_values = sequence_.n_values();
    da_.resize(n_values, 1);
    dvalues_.resize(n_values, dim_);
    dinput_.resize(n_values, dim_);
    dh_.resize(n_values, width_);
    WeightedSumsBackward(sequence_, a_.values(), dy, da_.values(), dvalues_.view());
    nn::SegmentSoftmaxBackward(sequence_.begin(), a_.values(), da_.values());
    const MatrixView da = da_.view();
    const MatrixView h = h_.view();
    MatrixView dh = dh_.view();
    const ConstVectorView u(weights.data() + u_, width_);
    VectorView du(dweights.data() + u_, width_);
    for (Eigen::Index l = 0; l < n_values; ++l) {
      du += da(l, 0) * h.row(l);
      dh.row(l).array() = da(l, 0) * u.array() * (1 - h.row(l).array().square());
    }
    layer_.BackwardWeights(sequence_.values(), h, dh, dweights);
    layer_.BackwardInput(weights, dh, dinput_.view());
    dvalues_.view() += dinput_.view();
    sequence_.UnpackInto(dvalues_.view(), dx);
  }

 private:
  int dim_;
  int width_;
  PackedSequence sequence_;
  nn::DenseLayer layer_;
  int64_t u_;
  nn::Workspace h_;        // [M, width]
  nn::Workspace dh_;       // [M, width]
  nn::Workspace a_;        // [M, 1]
  nn::Workspace da_;       // [M, 1]
  nn::Workspace dvalues_;  // [M, dim]
  nn::Workspace dinput_;   // [M, dim]
};

void CheckAttentionPool(const ModelChecker& check, const config::ConfigPath& path,
                        const SequenceReader& reader, const Field&) {
  check.CheckRange(path("width"), reader.attention_pool().width(), 1, kMaxWidth);
}

std::unique_ptr<nn::ColumnLayer> MakeAttentionPool(const SequenceReader& config,
                                                   const InputLayout::Part& sequence,
                                                   const InputLayout&, int64_t* n_weights) {
  return std::make_unique<AttentionPool>(config.attention_pool(), sequence, n_weights);
}

}  // namespace

const SequenceReaderKind kAttentionPool = {
    .name = "attention_pool",
    .check = CheckAttentionPool,
    .make = MakeAttentionPool,
};

}  // namespace zhiyin::worker::model
