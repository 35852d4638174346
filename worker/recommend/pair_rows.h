// Rows of a model's job for a user and an item that no file has together.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "configs/job.pb.h"
#include "worker/data/behaviour.h"
#include "worker/data/joins.h"
#include "worker/data/row_parser.h"
#include "worker/saved/frozen_model.h"

namespace zhiyin::worker::recommend {

/// A row has the user, the item, the history and the columns that data.join gives of them; other
/// columns are missing values. Immutable; any number of threads.
class PairRows {
 public:
  /// Of a job with data.behaviour; the behaviour may be another job's about the same users and
  /// items. Throws Error where there is none, or a joined file cannot be read.
  PairRows(const Job& job, std::shared_ptr<const data::Behaviour> behaviour,
           data::RowParser::Observer observer = {});

  data::Rows NewRows() const { return parser_->NewRows(); }
  /// Appends a row; -1 is nobody, or no item.
  void Append(int user, int item, std::string_view history, data::Rows* rows) const;

 private:
  std::shared_ptr<const data::Behaviour> behaviour_;
  size_t n_own_ = 0;  // columns that come first: the user, the item, those that are missing
  data::Joins::Plan joins_;
  std::unique_ptr<data::RowParser> parser_;
};

/// The vectors of a model with two towers, of all items or all users of the behaviour.
struct ItemVectors {
  Matrix vectors;  // [n, dim]
  float temperature = 1;
};
ItemVectors VectorsOfItems(const saved::FrozenModel& model, const PairRows& rows,
                           const data::Behaviour& behaviour);
/// As they are after all events that are learned from.
Matrix VectorsOfUsers(const saved::FrozenModel& model, const PairRows& rows,
                      const data::Behaviour& behaviour);

}  // namespace zhiyin::worker::recommend
