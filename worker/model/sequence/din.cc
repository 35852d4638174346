// Deep interest network (Zhou et al., "Deep Interest Network for Click-Through Rate Prediction",
// KDD 2018, eq. 3):
//   y = sum_l a(v_l, q) v_l
// The activation unit a is a network on [q, v, q - v, q * v], as in the code that the authors
// published, with ReLU in the place of their Dice. Its numbers are not normalised ("softmax": they
// are), so that y keeps the strength of interest.
//
//   v_l, q, y [dim]   M values in the batch, one below the other: unit input [M, 4 * dim], a [M]
#include "worker/model/nn/mlp.h"
#include "worker/model/nn/softmax.h"
#include "worker/model/sequence/packed_sequence.h"
#include "worker/model/sequence/sequence_readers.h"

namespace zhiyin::worker::model {
namespace {

std::vector<int> WithOne(std::vector<int> widths) {
  widths.push_back(1);
  return widths;
}

class Din final : public nn::ColumnLayer {
 public:
  Din(const SequenceReader::Din& config, const InputLayout::Part& sequence,
      const InputLayout::Part& query, int64_t* n_weights)
      : dim_(sequence.dim),
        query_(query.begin),
        softmax_(config.softmax()),
        sequence_(sequence),
        unit_(4 * dim_, WithOne({config.hidden().begin(), config.hidden().end()}),
              nn::Activation::kNone, Hidden::default_instance(), n_weights) {}

  int out() const override { return dim_; }
  void Init(Random* random, std::span<float> weights) const override {
    unit_.Init(random, weights);
  }

  void Forward(std::span<const float> weights, const nn::ConstBlock& x, const nn::Pass& pass,
               nn::MutableBlock y) override {
    sequence_.Pack(x);
    const int n_values = sequence_.n_values();
    pairs_.resize(n_values, 4 * dim_);
    MatrixView pairs = pairs_.view();
    for (Eigen::Index i = 0; i < x.rows(); ++i) {
      const auto q = x.row(i).segment(query_, dim_);
      for (int l = sequence_.Begin(i); l < sequence_.Begin(i + 1); ++l) {
        const auto v = sequence_.values().row(l);
        auto pair = pairs.row(l);
        pair.segment(0, dim_) = q;
        pair.segment(dim_, dim_) = v;
        pair.segment(2 * dim_, dim_) = q - v;
        pair.segment(3 * dim_, dim_) = q.cwiseProduct(v);
      }
    }
    unit_.Forward(weights, pairs, pass);
    a_.resize(n_values, 1);
    a_.view() = unit_.output();
    if (softmax_) nn::SegmentSoftmax(sequence_.begin(), a_.values());
    WeightedSums(sequence_, a_.values(), y);
  }

  void Backward(std::span<const float> weights, const nn::ConstBlock& x, const nn::ConstBlock&,
                nn::MutableBlock dy, std::span<float> dweights, nn::MutableBlock dx) override {
    const int n_values = sequence_.n_values();
    dvalues_.resize(n_values, dim_);
    dpairs_.resize(n_values, 4 * dim_);
    MatrixView dvalues = dvalues_.view();
    const std::span<float> da(unit_.doutput().data(), static_cast<size_t>(n_values));
    WeightedSumsBackward(sequence_, a_.values(), dy, da, dvalues);
    if (softmax_) nn::SegmentSoftmaxBackward(sequence_.begin(), a_.values(), da);
    unit_.Backward(weights, pairs_.view(), dweights, dpairs_.view());
    for (Eigen::Index i = 0; i < x.rows(); ++i) {
      const auto q = x.row(i).segment(query_, dim_);
      auto dq = dx.row(i).segment(query_, dim_);
      for (int l = sequence_.Begin(i); l < sequence_.Begin(i + 1); ++l) {
        const auto v = sequence_.values().row(l);
        const auto dpair = dpairs_.view().row(l);
        const auto of_difference = dpair.segment(2 * dim_, dim_);
        const auto of_product = dpair.segment(3 * dim_, dim_);
        dq += dpair.segment(0, dim_) + of_difference + of_product.cwiseProduct(v);
        dvalues.row(l) += dpair.segment(dim_, dim_) - of_difference + of_product.cwiseProduct(q);
      }
    }
    sequence_.UnpackInto(dvalues, dx);
  }

 private:
  int dim_;
  int query_;  // where it begins in x
  bool softmax_;
  PackedSequence sequence_;
  nn::Mlp unit_;
  nn::Workspace pairs_;    // [M, 4 * dim]
  nn::Workspace dpairs_;   // [M, 4 * dim]
  nn::Workspace a_;        // [M, 1]
  nn::Workspace dvalues_;  // [M, dim]
};

void CheckDin(const ModelChecker& check, const config::ConfigPath& path,
              const SequenceReader& reader, const Field& sequence) {
  CheckQuery(check, path("query"), reader.din().query(), sequence);
  check.CheckWidths(path, "hidden", reader.din().hidden(), 1);
}

std::unique_ptr<nn::ColumnLayer> MakeDin(const SequenceReader& config,
                                         const InputLayout::Part& sequence,
                                         const InputLayout& layout, int64_t* n_weights) {
  return std::make_unique<Din>(config.din(), sequence, layout.FieldNamed(config.din().query()),
                               n_weights);
}

}  // namespace

const SequenceReaderKind kDin = {
    .name = "din",
    .check = CheckDin,
    .make = MakeDin,
};

}  // namespace zhiyin::worker::model
