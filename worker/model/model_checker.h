// Checks of a model's configuration that several networks, interactions and sequence readers need.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/config/checker.h"
#include "configs/job.pb.h"

namespace zhiyin::worker::model {

inline constexpr int kMaxWidth = 65536;  // columns of a layer
inline constexpr int kMaxLayers = 64;
inline constexpr int kMaxExperts = 1024;
inline constexpr int kMaxHeads = 1024;
inline constexpr int kMaxHeadWidth = 4096;

/// A Checker with access to the job around the model: its fields by name, the dims of their tables,
/// and the fields of the wide part. Borrows the job. REQUIRES: tables, fields and tasks were
/// checked.
class ModelChecker : public config::Checker {
 public:
  ModelChecker(const config::Checker& base, const Job& job);

  const Job& job() const { return job_; }
  config::ConfigPath model_path() const { return root()("model"); }

  /// Widths of layers in the repeated field `name` of the message at `path`.
  void CheckWidths(const config::ConfigPath& path, const char* name,
                   const google::protobuf::RepeatedField<int32_t>& widths, int at_least) const;
  /// Numbers of shared experts and of experts of each task, in fields with these names.
  void CheckExperts(const config::ConfigPath& path, int n_shared, int n_own) const;

  /// The field, numeric or task with this name. Throws Error at `path` if there is none.
  const Field& FieldNamed(const config::ConfigPath& path, const std::string& name) const;
  const Numeric& NumericNamed(const config::ConfigPath& path, const std::string& name) const;
  int TaskNamed(const config::ConfigPath& path, const std::string& name) const;

  /// The dim of the field's table.
  int DimOf(const Field& field) const;
  bool IsWide(const std::string& field) const { return wide_.count(field) > 0; }
  /// Fails for a field of the wide part, which the network does not read.
  void CheckNotWide(const config::ConfigPath& path, const std::string& field) const;
  /// The chosen fields, at least two, from the repeated field `field` of the message at `path`.
  /// Without names: all that the network reads.
  std::vector<const Field*> ChosenFields(
      const config::ConfigPath& path,
      const google::protobuf::RepeatedPtrField<std::string>& names) const;
  /// Checks that the chosen fields have one dim, so that their vectors can be multiplied by
  /// entries.
  void CheckSameDim(const config::ConfigPath& path,
                    const google::protobuf::RepeatedPtrField<std::string>& names) const;
  /// The number of columns of all inputs that the network and its interactions read.
  int n_columns() const;

  /// Refuses all that stands between the fields' rows and a network that reads the rows itself.
  void CheckPlainFields(const char* kind) const;
  /// Checks that the rows of every table can be cut into n_parts parts of equal width. `which`
  /// names the parts in the message.
  void CheckParts(int n_parts, const char* which) const;
  void CheckSeveralTasks(const config::ConfigPath& path) const;
  /// Checks that a task's predictions are probabilities.
  void CheckProbability(const config::ConfigPath& path, int task, const char* why) const;

 private:
  const Job& job_;
  std::map<std::string, const Field*> fields_;  // by name
  std::set<std::string> wide_;                  // names of the fields of the wide part
};

}  // namespace zhiyin::worker::model
