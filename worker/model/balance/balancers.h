// The list of all methods of balancing.
#pragma once

#include <span>

#include "worker/model/balance/balancer.h"

namespace zhiyin::worker::model::balance {

/// Adding a method is a line here, with NAME for the constant kNAME that its file defines.
#define ZHIYIN_BALANCERS(BALANCER) \
  BALANCER(Uncertainty)            \
  BALANCER(DynamicWeightAverage)   \
  BALANCER(GradNorm)               \
  BALANCER(PcGrad)                 \
  BALANCER(CaGrad)                 \
  BALANCER(Mgda)

#define ZHIYIN_DECLARE_BALANCER(Name) extern const BalancerKind k##Name;
ZHIYIN_BALANCERS(ZHIYIN_DECLARE_BALANCER)
#undef ZHIYIN_DECLARE_BALANCER

std::span<const BalancerKind* const> Balancers();

}  // namespace zhiyin::worker::model::balance
