// Behavior sequence transformer (Chen et al., "Behavior Sequence Transformer for E-commerce
// Recommendation in Alibaba", DLP-KDD 2019, section 2):
//   e = [v_1 + p_c, v_2 + p_{c-1}, ..., v_c + p_1, q + p_0]   the values, then the target
//   e = block(e), n_blocks times                              transformer_block.h
//   y = e_q, or the mean of e over its tokens                 p: a vector for each position
// Positions count back from the target, as the paper's do (there in time, here in values). They are
// added where the paper puts them side by side, and y has dim columns where the paper takes all
// tokens. A row without values has no token: y = 0.
//
//   v, q, p, y [dim]   T tokens in the batch, one below the other: e [T, dim]
#include "worker/model/nn/init.h"
#include "worker/model/nn/transformer_block.h"
#include "worker/model/sequence/sequence_readers.h"

namespace zhiyin::worker::model {
namespace {

constexpr double kPositionRange = 0.05;

class Bst final : public nn::ColumnLayer {
 public:
  Bst(const SequenceReader::Bst& config, const InputLayout::Part& sequence,
      const InputLayout::Part& query, int64_t* n_weights)
      : dim_(sequence.dim),
        sequence_(sequence),
        query_(query.begin),
        output_(config.output()),
        positions_(*n_weights),
        begin_(1) {
    *n_weights += int64_t{sequence.length + 1} * dim_;
    for (int b = 0; b < config.n_blocks(); ++b)
      blocks_.emplace_back(dim_, config.n_heads(), config.hidden(), n_weights);
  }

  int out() const override { return dim_; }

  void Init(Random* random, std::span<float> weights) const override {
    nn::InitUniform(kPositionRange, positions_, int64_t{sequence_.length + 1} * dim_, random,
                    weights);
    for (const nn::TransformerBlock& block : blocks_) block.Init(random, weights);
  }

  void Forward(std::span<const float> weights, const nn::ConstBlock& x, const nn::Pass&,
               nn::MutableBlock y) override {
    begin_.resize(static_cast<size_t>(x.rows()) + 1);
    for (Eigen::Index i = 0; i < x.rows(); ++i) {
      const int count = SequenceCount(x, i, sequence_);
      begin_[static_cast<size_t>(i) + 1] = Begin(i) + (count > 0 ? count + 1 : 0);
    }
    tokens_.resize(begin_.back(), dim_);
    dtokens_.resize(begin_.back(), dim_);
    MatrixView tokens = tokens_.view();
    const ConstMatrixView positions(weights.data() + positions_, sequence_.length + 1, dim_);
    ForEachToken(x.rows(), [&](Eigen::Index i, int token, int column, int position) {
      tokens.row(token) = x.row(i).segment(column, dim_) + positions.row(position);
    });
    for (size_t b = 0; b < blocks_.size(); ++b)
      blocks_[b].Forward(
          weights, begin_,
          b == 0 ? ConstMatrixView(tokens.data(), tokens.rows(), dim_) : blocks_[b - 1].output());
    const ConstMatrixView last = blocks_.back().output();
    for (Eigen::Index i = 0; i < x.rows(); ++i) {
      if (Begin(i) == Begin(i + 1)) {
        y.row(i).setZero();
      } else if (output_ == SequenceReader::Bst::MEAN) {
        y.row(i) = last.middleRows(Begin(i), Begin(i + 1) - Begin(i)).colwise().mean();
      } else {
        y.row(i) = last.row(Begin(i + 1) - 1);
      }
    }
  }

  void Backward(std::span<const float> weights, const nn::ConstBlock& x, const nn::ConstBlock&,
                nn::MutableBlock dy, std::span<float> dweights, nn::MutableBlock dx) override {
    MatrixView dlast = blocks_.back().doutput();
    if (output_ == SequenceReader::Bst::MEAN) {
      for (Eigen::Index i = 0; i < dy.rows(); ++i) {
        const float n = static_cast<float>(Begin(i + 1) - Begin(i));
        for (int token = Begin(i); token < Begin(i + 1); ++token) dlast.row(token) = dy.row(i) / n;
      }
    } else {
      dlast.setZero();
      for (Eigen::Index i = 0; i < dy.rows(); ++i) {
        if (Begin(i) < Begin(i + 1)) dlast.row(Begin(i + 1) - 1) = dy.row(i);
      }
    }
    for (size_t b = blocks_.size(); b-- > 1;)
      blocks_[b].Backward(weights, begin_, blocks_[b - 1].output(), dweights,
                          blocks_[b - 1].doutput());
    blocks_[0].Backward(weights, begin_, tokens_.view(), dweights, dtokens_.view());

    const MatrixView dtokens = dtokens_.view();
    MatrixView dpositions(dweights.data() + positions_, sequence_.length + 1, dim_);
    ForEachToken(x.rows(), [&](Eigen::Index i, int token, int column, int position) {
      dx.row(i).segment(column, dim_) += dtokens.row(token);
      dpositions.row(position) += dtokens.row(token);
    });
  }

 private:
  int Begin(Eigen::Index i) const { return begin_[static_cast<size_t>(i)]; }

  /// visit(row, token, the column of x where it begins, its position)
  template <typename Visit>
  void ForEachToken(Eigen::Index n_rows, const Visit& visit) const {
    for (Eigen::Index i = 0; i < n_rows; ++i) {
      const int target = Begin(i + 1) - 1;
      for (int token = Begin(i); token < target; ++token)
        visit(i, token, sequence_.begin + (token - Begin(i)) * dim_, target - token);
      if (target >= Begin(i)) visit(i, target, query_, 0);
    }
  }

  int dim_;
  InputLayout::Part sequence_;
  int query_;  // where it begins in x
  SequenceReader::Bst::Output output_;
  int64_t positions_;  // where their vectors begin: [length + 1, dim]
  std::vector<nn::TransformerBlock> blocks_;
  std::vector<int32_t> begin_;  // [n + 1]: of each row's tokens
  nn::Workspace tokens_;        // [T, dim]
  nn::Workspace dtokens_;       // [T, dim]
};

void CheckBst(const ModelChecker& check, const config::ConfigPath& path,
              const SequenceReader& reader, const Field& sequence) {
  const SequenceReader::Bst& bst = reader.bst();
  CheckQuery(check, path("query"), bst.query(), sequence);
  check.CheckRange(path("n_blocks"), bst.n_blocks(), 1, kMaxLayers);
  check.CheckRange(path("n_heads"), bst.n_heads(), 1, kMaxHeads);
  if (check.DimOf(sequence) % bst.n_heads() != 0) {
    check.Fail(path("n_heads"), "is ", bst.n_heads(), ", expected a divisor of the dim of \"",
               sequence.name(), "\", ", check.DimOf(sequence));
  }
  check.CheckRange(path("hidden"), bst.hidden(), 1, kMaxWidth);
}

std::unique_ptr<nn::ColumnLayer> MakeBst(const SequenceReader& config,
                                         const InputLayout::Part& sequence,
                                         const InputLayout& layout, int64_t* n_weights) {
  return std::make_unique<Bst>(config.bst(), sequence, layout.FieldNamed(config.bst().query()),
                               n_weights);
}

}  // namespace

const SequenceReaderKind kBst = {
    .name = "bst",
    .check = CheckBst,
    .make = MakeBst,
};

}  // namespace zhiyin::worker::model
