// What is added to a network's outputs beside it: the wide part of Wide & Deep (Cheng et al., DLRS
// 2016, section 3.1), with the second-order term of DeepFM (Guo et al., IJCAI 2017, eq. 2):
//   outputs[i, t] += sum over fields f of e_f[i, t] + sum over numerics j of x[i, j] w[j, t] + sum
//   over columns of fm[i, :]
// where e_f, the pooled row of field f, has one entry a task and is the field's weight vector
// itself.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "common/matrix.h"
#include "configs/job.pb.h"
#include "worker/model/input_layout.h"
#include "worker/model/model_checker.h"
#include "worker/model/nn/column_layer.h"

namespace zhiyin::worker::model {

/// Nothing where the job has no wide part. Reads its fields and numerics from the inputs x [n,
/// layout.dim], and fm's fields from the features, where sequences have been read. Used by one
/// thread. Takes w [n_numerics, n_tasks] of the flat vector as DenseLayer does.
class WidePart {
 public:
  WidePart(const Job& job, const InputLayout& features, int64_t* n_weights);

  /// Zeros.
  void Init(std::span<float> weights) const;
  void Forward(std::span<const float> weights, const ConstMatrixView& x, const Matrix& features,
               const nn::Pass& pass, Matrix* outputs);
  /// `outputs`, one a task, with what Forward adds to them.
  std::vector<nn::Graph::Value> AddTo(nn::Graph* graph, std::span<const float> weights,
                                      const nn::Graph::Value& x, const nn::Graph::Value& features,
                                      std::vector<nn::Graph::Value> outputs) const;
  /// dfeatures += ...
  void BackwardToFeatures(const Matrix& features, const Matrix& doutputs, Matrix& dfeatures);
  /// dweights += ..., dx += ...
  void BackwardToInputs(std::span<const float> weights, const ConstMatrixView& x,
                        const Matrix& doutputs, std::span<float> dweights, Matrix* dx) const;

 private:
  ConstVectorView W(std::span<const float> weights, size_t numeric) const {
    return {weights.data() + weights_ + static_cast<int64_t>(numeric) * n_tasks_, n_tasks_};
  }

  int n_tasks_;
  std::vector<int> fields_;    // where they begin in x
  std::vector<int> numerics_;  // their columns of x
  int64_t weights_;
  std::unique_ptr<nn::ColumnLayer> fm_;  // null: none
  Matrix fm_output_;                     // [n, dim]
  Matrix dfm_output_;                    // [n, dim]
};

/// Checks the wide part of a model that has one.
void CheckWide(const ModelChecker& check);

}  // namespace zhiyin::worker::model
