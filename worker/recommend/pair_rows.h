// Examples for pairs of a user and an item that need not be in any file.
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

/// Makes examples for a model's job. An example has the user, the item, the history and the columns
/// that data.join adds for them; other columns are missing values. Immutable; any number of
/// threads.
class PairRows {
 public:
  /// `behaviour` may be that of another job with the same users and items. Throws Error where the
  /// job has no data.behaviour, or a joined file cannot be read.
  PairRows(const Job& job, std::shared_ptr<const data::Behaviour> behaviour,
           data::RowParser::Observer observer = {});

  data::Rows NewRows() const { return parser_->NewRows(); }
  /// Appends an example; -1 stands for no user, or no item.
  void Append(int user, int item, std::string_view history, data::Rows* rows) const;

 private:
  std::shared_ptr<const data::Behaviour> behaviour_;
  size_t n_own_ = 0;  // the first columns: the user, the item, those with missing values
  data::Joins::Plan joins_;
  std::unique_ptr<data::RowParser> parser_;
};

/// The item tower's vectors for all items of a behaviour.
struct ItemVectors {
  Matrix vectors;         // [n_items, dim]
  float temperature = 1;  // of the model's softmax over products
};
/// REQUIRES: the model has two towers, here and below.
ItemVectors VectorsOfItems(const saved::FrozenModel& model, const PairRows& rows,
                           const data::Behaviour& behaviour);
/// Returns the user tower's vectors [n_users, dim] for all users of the behaviour, whose histories
/// include all training events.
Matrix VectorsOfUsers(const saved::FrozenModel& model, const PairRows& rows,
                      const data::Behaviour& behaviour);

}  // namespace zhiyin::worker::recommend
