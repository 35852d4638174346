// Factorization machine (Rendle, ICDM 2010, eq. 5; the "bi-interaction" of He and Chua, SIGIR 2017,
// eq. 4):
//   y = sum over pairs f < g of v_f * v_g = ((sum_f v_f)^2 - sum_f v_f^2) / 2
// column by column, v_f [n, dim] being the pooled row of field f. The network above sums the
// columns as it sees fit.
#include <vector>

#include "worker/model/interaction/interactions.h"
#include "worker/model/nn/workspace.h"

namespace zhiyin::worker::model {
namespace {

class FactorizationMachine final : public nn::ColumnLayer {
 public:
  FactorizationMachine(const Interaction::FactorizationMachine& config, const InputLayout& layout) {
    for (const InputLayout::Part& part : layout.FieldsNamed(config.field())) {
      begins_.push_back(part.begin);
      dim_ = part.dim;
    }
  }

  int out() const override { return dim_; }
  void Init(Random*, std::span<float>) const override {}

  void Forward(std::span<const float>, const nn::ConstBlock& x, const nn::Pass&,
               nn::MutableBlock y) override {
    sum_.resize(x.rows(), dim_);
    MatrixView sum = sum_.view();
    for (Eigen::Index i = 0; i < x.rows(); ++i) {
      auto sum_i = sum.row(i).array();
      auto y_i = y.row(i).array();
      sum_i.setZero();
      y_i.setZero();
      for (const int begin : begins_) {
        const auto v = x.row(i).segment(begin, dim_).array();
        sum_i += v;
        y_i -= v.square();
      }
      y_i = 0.5f * (y_i + sum_i.square());
    }
  }

  nn::Graph::Value AddTo(nn::Graph* graph, std::span<const float>,
                         const nn::Graph::Value& x) const override {
    std::vector<nn::Graph::Value> rows;
    std::vector<nn::Graph::Value> squares;
    for (const int begin : begins_) {
      rows.push_back(graph->Columns(x, begin, dim_));
      squares.push_back(graph->Op("Mul", {rows.back(), rows.back()}));
    }
    const nn::Graph::Value sum = graph->Sum(rows);
    const nn::Graph::Value twice =
        graph->Op("Sub", {graph->Op("Mul", {sum, sum}), graph->Sum(squares)});
    return graph->Op("Mul", {twice, graph->Scalar(0.5f)});
  }

  /// dv_f = dy * (sum - v_f)
  void Backward(std::span<const float>, const nn::ConstBlock& x, const nn::ConstBlock&,
                nn::MutableBlock dy, std::span<float>, nn::MutableBlock dx) override {
    const MatrixView sum = sum_.view();
    for (Eigen::Index i = 0; i < dy.rows(); ++i) {
      for (const int begin : begins_)
        dx.row(i).segment(begin, dim_) +=
            dy.row(i).cwiseProduct(sum.row(i) - x.row(i).segment(begin, dim_));
    }
  }

 private:
  std::vector<int> begins_;  // of the fields in x
  int dim_ = 0;
  nn::Workspace sum_;  // [n, dim]
};

void CheckFactorizationMachine(const ModelChecker& check, const config::ConfigPath& path,
                               const Interaction& interaction) {
  check.CheckSameDim(path, interaction.fm().field());
}

std::unique_ptr<nn::ColumnLayer> MakeFactorizationMachine(const Interaction& config,
                                                          const InputLayout& layout, int64_t*) {
  return std::make_unique<FactorizationMachine>(config.fm(), layout);
}

}  // namespace

const InteractionKind kFactorizationMachine = {
    .name = "fm",
    .check = CheckFactorizationMachine,
    .make = MakeFactorizationMachine,
};

}  // namespace zhiyin::worker::model
