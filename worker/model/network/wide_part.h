// The wide part of a model, which is added to the outputs of the network, before outputs are made
// of several of them (NetworkKind::make_outputs): that of Wide & Deep (Cheng et al., DLRS 2016,
// section 3.1), with the second-order term of DeepFM (Guo et al., IJCAI 2017, eq. 2):
//
//   outputs[i, t] += sum_f e_f[i, t] + sum_j x[i, j] w[j, t] + sum_k fm[i, k]
//
// over the fields f, the numerics j, and the columns k of the factorization machine. e_f, the
// pooled embedding of field f, has one entry for each task and is itself the field's vector of
// weights.
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

/// Does nothing if the job has no wide part. Reads its fields and numerics from the inputs x [n,
/// layout.dim], and the fields of fm from the features [n, features.dim], which hold the outputs of
/// sequence readers. Used by one thread. Takes w [n_numerics, n_tasks] of the flat vector as
/// DenseLayer does.
class WidePart {
 public:
  WidePart(const Job& job, const InputLayout& features, int64_t* n_weights);

  /// Sets w to zeros.
  void Init(std::span<float> weights) const;
  /// Adds to outputs [n, n_tasks].
  void Forward(std::span<const float> weights, const ConstMatrixView& x, const Matrix& features,
               const nn::Pass& pass, Matrix* outputs);
  /// Adds the computation of Forward to an inference graph; returns the sums, one value for each
  /// task.
  std::vector<nn::Graph::Value> AddTo(nn::Graph* graph, std::span<const float> weights,
                                      const nn::Graph::Value& x, const nn::Graph::Value& features,
                                      std::vector<nn::Graph::Value> outputs) const;
  /// Adds d loss / d features to dfeatures.
  void BackwardToFeatures(const Matrix& features, const Matrix& doutputs, Matrix& dfeatures);
  /// dweights += d loss / d weights; dx += d loss / d x.
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
