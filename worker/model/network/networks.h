// The list of all networks.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "configs/job.pb.h"
#include "worker/model/model.h"
#include "worker/model/model_checker.h"

namespace zhiyin::worker::model {

/// The inputs whose values in the data, before augmentation, say which item an example is of: two
/// examples with equal values are of one item. Numbers of job.field and job.numeric.
struct ItemIdentity {
  std::vector<int> fields;
  std::vector<int> numerics;
};

/// The description of a network by which the rest of the program uses it. The file of each network
/// defines one.
struct NetworkKind {
  const char* name;  // of its field in Model.kind of job.proto

  /// Fills in what the job leaves out of this network's part. May be null.
  void (*fill_defaults)(Job* job) = nullptr;
  /// Throws Error for a job that the network cannot be used in. `path` leads to the network's
  /// message.
  void (*check)(const ModelChecker& check, const config::ConfigPath& path) = nullptr;
  /// Makes a network that reads input_dim columns: those of `layout` if the job has no interaction.
  /// A wide part adds to its outputs.
  std::unique_ptr<Model> (*make)(const Job& job, int input_dim,
                                 const InputLayout& layout) = nullptr;
  /// Makes the model whose outputs are functions of several logits, from the model that `make` and
  /// the wide part beside it give: there an output is a logit. Null: the logits are the outputs.
  std::unique_ptr<Model> (*make_outputs)(const Job& job, std::unique_ptr<Model> logits) = nullptr;

  bool has_hidden_layers = true;  // whether Model.hidden has an effect
  bool has_graph = true;          // whether Model::AddTo is implemented, for exports
  /// Whether the auxiliary loss alone is enough to train on. Null: never.
  bool (*learns_without_tasks)(const Job& job) = nullptr;
  /// Returns what the auxiliary loss knows items by; nothing where it asks for no items. Null: it
  /// never does.
  ItemIdentity (*item)(const Job& job) = nullptr;
};

/// Adding a network is a line here, with NAME for the constant kNAME that its file defines.
#define ZHIYIN_NETWORKS(NETWORK) \
  NETWORK(SharedBottom)          \
  NETWORK(Mmoe)                  \
  NETWORK(Linear)                \
  NETWORK(SingleTask)            \
  NETWORK(Ple)                   \
  NETWORK(Esmm)                  \
  NETWORK(Aitm)                  \
  NETWORK(CrossStitch)           \
  NETWORK(Stem)                  \
  NETWORK(MatrixFactorization)   \
  NETWORK(TwoTower)              \
  NETWORK(Omoe)

#define ZHIYIN_DECLARE_NETWORK(Name) extern const NetworkKind k##Name;
ZHIYIN_NETWORKS(ZHIYIN_DECLARE_NETWORK)
#undef ZHIYIN_DECLARE_NETWORK

std::span<const NetworkKind* const> Networks();

/// The network of the job; nullptr if none is chosen.
const NetworkKind* ChosenNetwork(const Job& job);

/// Checks the network of a model, which is chosen.
void CheckNetwork(const ModelChecker& check);

}  // namespace zhiyin::worker::model
