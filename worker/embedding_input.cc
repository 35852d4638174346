#include "worker/embedding_input.h"

#include <glog/logging.h>

#include <algorithm>
#include <cstring>

namespace zhiyin::worker {
namespace {

void AddTo(float* __restrict to, const float* __restrict from, float factor, int dim) {
  for (int d = 0; d < dim; ++d) to[d] += factor * from[d];
}

}  // namespace

EmbeddingInput::EmbeddingInput(const Job& job, const InputLayout& layout) : layout_(layout) {
  for (const Table& table : job.table()) tables_.emplace_back().dim = table.dim();
  for (int f = 0; f < job.field_size(); ++f) {
    const Field& field = job.field(f);
    const auto table = std::find_if(job.table().begin(), job.table().end(),
                                    [&](const Table& t) { return t.name() == field.table(); });
    CHECK(table != job.table().end()) << field.table();
    fields_.push_back({static_cast<size_t>(table - job.table().begin()),
                       layout.fields[static_cast<size_t>(f)].begin, field.pooling() == Field::MEAN});
  }
}

void EmbeddingInput::Prepare(const Rows& rows) {
  n_rows_ = rows.n;
  key_begin_ = rows.key_begin;
  numerics_ = rows.numerics;
  positions_.resize(rows.keys.size());
  for (TableRows& table : tables_) table.keys.Clear();
  const size_t n_fields = fields_.size();
  for (size_t at = 0; at < static_cast<size_t>(rows.n) * n_fields; ++at) {
    UniqueKeys& keys = tables_[fields_[at % n_fields].table].keys;
    for (uint32_t k = key_begin_[at]; k < key_begin_[at + 1]; ++k) positions_[k] = keys.Insert(rows.keys[k]);
  }
  for (TableRows& table : tables_) {
    const size_t n = table.keys.size() * static_cast<size_t>(table.dim);
    table.weights.resize(n);
    table.gradients.resize(n);
  }
}

void EmbeddingInput::Pool(Matrix* x) const {
  x->resize(n_rows_, layout_.dim);
  const size_t n_numerics = layout_.numerics.size();
  for (int64_t i = 0; i < n_rows_; ++i) {
    float* row = x->data() + i * layout_.dim;
    for (size_t f = 0; f < fields_.size(); ++f) {
      const TableRows& table = tables_[fields_[f].table];
      const size_t at = static_cast<size_t>(i) * fields_.size() + f;
      const uint32_t begin = key_begin_[at];
      const uint32_t end = key_begin_[at + 1];
      float* to = row + fields_[f].begin;
      const size_t dim = static_cast<size_t>(table.dim);
      if (end == begin + 1) {
        std::memcpy(to, table.weights.data() + positions_[begin] * dim, dim * sizeof(float));
        continue;
      }
      std::fill_n(to, dim, 0.0f);
      const float factor = fields_[f].mean ? 1.0f / static_cast<float>(std::max(end - begin, 1u)) : 1.0f;
      for (uint32_t k = begin; k < end; ++k)
        AddTo(to, table.weights.data() + positions_[k] * dim, factor, table.dim);
    }
    for (size_t j = 0; j < n_numerics; ++j) {
      row[layout_.numerics[j].begin] = numerics_[static_cast<size_t>(i) * n_numerics + j];
    }
  }
}

void EmbeddingInput::Scatter(const Matrix& dx) {
  for (TableRows& table : tables_) std::fill(table.gradients.begin(), table.gradients.end(), 0.0f);
  for (int64_t i = 0; i < n_rows_; ++i) {
    const float* row = dx.data() + i * layout_.dim;
    for (size_t f = 0; f < fields_.size(); ++f) {
      TableRows& table = tables_[fields_[f].table];
      const size_t at = static_cast<size_t>(i) * fields_.size() + f;
      const uint32_t begin = key_begin_[at];
      const uint32_t end = key_begin_[at + 1];
      const float factor = fields_[f].mean ? 1.0f / static_cast<float>(std::max(end - begin, 1u)) : 1.0f;
      for (uint32_t k = begin; k < end; ++k) {
        AddTo(table.gradients.data() + positions_[k] * static_cast<size_t>(table.dim), row + fields_[f].begin,
              factor, table.dim);
      }
    }
  }
}

}  // namespace zhiyin::worker
