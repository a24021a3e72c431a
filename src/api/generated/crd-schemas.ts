// Generated from crds/ by `npm run generate`. Do not edit.
import type { CrdSchema } from '../crd-schema.ts';

/** Schemas of our kinds; objects are closed, so that unknown fields are found. */
export const CRD_SCHEMAS: readonly CrdSchema[] = [
 {
  "apiVersion": "config.porch.kpt.dev/v1alpha1",
  "kind": "FunctionConfig",
  "plural": "functionconfigs",
  "namespaced": true,
  "schema": {
   "type": "object",
   "required": [
    "spec"
   ],
   "properties": {
    "apiVersion": {
     "type": "string"
    },
    "kind": {
     "type": "string"
    },
    "metadata": {
     "type": "object"
    },
    "spec": {
     "type": "object",
     "required": [
      "image"
     ],
     "properties": {
      "image": {
       "type": "string",
       "minLength": 1,
       "maxLength": 255
      },
      "prefixes": {
       "type": "array",
       "maxItems": 64,
       "items": {
        "type": "string",
        "maxLength": 512
       }
      },
      "podExecutor": {
       "type": "object",
       "properties": {
        "tags": {
         "type": "array",
         "maxItems": 64,
         "items": {
          "type": "string",
          "minLength": 1,
          "maxLength": 128
         }
        },
        "timeToLive": {
         "type": "string",
         "maxLength": 64
        },
        "maxParallelExecutions": {
         "type": "integer",
         "minimum": 0,
         "maximum": 1000
        },
        "preferredMaxQueueLength": {
         "type": "integer",
         "minimum": 0,
         "maximum": 1000
        },
        "minPods": {
         "type": "integer",
         "minimum": 0,
         "maximum": 1000
        },
        "maxPods": {
         "type": "integer",
         "minimum": 1,
         "maximum": 1000
        },
        "parallelEvaluations": {
         "type": "integer",
         "minimum": 1,
         "maximum": 100
        },
        "isolation": {
         "type": "string",
         "enum": [
          "Shared",
          "PerEvaluation"
         ]
        },
        "cache": {
         "type": "boolean"
        },
        "resources": {
         "type": "object",
         "properties": {
          "requests": {
           "type": "object",
           "additionalProperties": {
            "type": "string"
           }
          },
          "limits": {
           "type": "object",
           "additionalProperties": {
            "type": "string"
           }
          }
         },
         "additionalProperties": false
        },
        "nodeSelector": {
         "type": "object",
         "additionalProperties": {
          "type": "string"
         }
        },
        "tolerations": {
         "type": "array",
         "maxItems": 64,
         "items": {
          "type": "object",
          "properties": {
           "key": {
            "type": "string"
           },
           "operator": {
            "type": "string",
            "enum": [
             "Exists",
             "Equal"
            ]
           },
           "value": {
            "type": "string"
           },
           "effect": {
            "type": "string",
            "enum": [
             "NoSchedule",
             "PreferNoSchedule",
             "NoExecute"
            ]
           },
           "tolerationSeconds": {
            "type": "integer",
            "format": "int64"
           }
          },
          "additionalProperties": false
         }
        },
        "imagePullPolicy": {
         "type": "string",
         "enum": [
          "Always",
          "IfNotPresent",
          "Never"
         ]
        },
        "imagePullSecrets": {
         "type": "array",
         "maxItems": 16,
         "items": {
          "type": "object",
          "required": [
           "name"
          ],
          "properties": {
           "name": {
            "type": "string",
            "minLength": 1,
            "maxLength": 253
           }
          },
          "additionalProperties": false
         }
        },
        "templateOverrides": {
         "type": "object",
         "properties": {
          "serviceAccountName": {
           "type": "string",
           "maxLength": 253
          },
          "securityContext": {
           "type": "object"
          },
          "initContainer": {
           "type": "object"
          },
          "container": {
           "type": "object",
           "properties": {
            "resources": {
             "type": "object"
            },
            "envFrom": {
             "type": "array",
             "maxItems": 64,
             "items": {
              "type": "object"
             }
            },
            "env": {
             "type": "array",
             "maxItems": 256,
             "items": {
              "type": "object",
              "required": [
               "name"
              ],
              "properties": {
               "name": {
                "type": "string",
                "minLength": 1
               },
               "value": {
                "type": "string"
               },
               "valueFrom": {
                "type": "object"
               }
              },
              "additionalProperties": false
             }
            }
           },
           "additionalProperties": false
          }
         },
         "additionalProperties": false
        }
       },
       "additionalProperties": false
      },
      "binaryExecutor": {
       "type": "object",
       "required": [
        "tags",
        "path"
       ],
       "properties": {
        "tags": {
         "type": "array",
         "minItems": 1,
         "maxItems": 64,
         "items": {
          "type": "string",
          "minLength": 1,
          "maxLength": 128
         }
        },
        "path": {
         "type": "string",
         "minLength": 1,
         "maxLength": 1024
        }
       },
       "additionalProperties": false
      },
      "goExecutor": {
       "type": "object",
       "required": [
        "tags"
       ],
       "properties": {
        "id": {
         "type": "string",
         "maxLength": 255
        },
        "tags": {
         "type": "array",
         "maxItems": 64,
         "items": {
          "type": "string",
          "minLength": 1,
          "maxLength": 128
         }
        }
       },
       "additionalProperties": false
      }
     },
     "additionalProperties": false
    },
    "status": {
     "type": "object",
     "default": {
      "observedGeneration": -1
     },
     "properties": {
      "observedGeneration": {
       "type": "integer",
       "format": "int64"
      },
      "apiServerObservedGeneration": {
       "type": "integer",
       "format": "int64"
      },
      "functionRunnerObservedGeneration": {
       "type": "integer",
       "format": "int64"
      },
      "controllerObservedGeneration": {
       "type": "integer",
       "format": "int64"
      },
      "error": {
       "type": "string",
       "maxLength": 4096
      },
      "conditions": {
       "type": "array",
       "maxItems": 16,
       "items": {
        "type": "object",
        "required": [
         "type",
         "status",
         "reason",
         "message",
         "lastTransitionTime"
        ],
        "properties": {
         "type": {
          "type": "string",
          "maxLength": 316
         },
         "status": {
          "type": "string",
          "enum": [
           "True",
           "False",
           "Unknown"
          ]
         },
         "reason": {
          "type": "string",
          "maxLength": 1024
         },
         "message": {
          "type": "string",
          "maxLength": 32768
         },
         "observedGeneration": {
          "type": "integer",
          "format": "int64"
         },
         "lastTransitionTime": {
          "type": "string",
          "format": "date-time"
         }
        },
        "additionalProperties": false
       }
      }
     },
     "additionalProperties": false
    }
   },
   "additionalProperties": false
  }
 },
 {
  "apiVersion": "config.porch.kpt.dev/v1alpha1",
  "kind": "PackageVariant",
  "plural": "packagevariants",
  "namespaced": true,
  "schema": {
   "type": "object",
   "required": [
    "spec"
   ],
   "properties": {
    "apiVersion": {
     "type": "string"
    },
    "kind": {
     "type": "string"
    },
    "metadata": {
     "type": "object"
    },
    "spec": {
     "type": "object",
     "required": [
      "upstream",
      "downstream"
     ],
     "properties": {
      "upstream": {
       "type": "object",
       "required": [
        "repo",
        "package"
       ],
       "properties": {
        "repo": {
         "type": "string",
         "minLength": 1,
         "maxLength": 63
        },
        "package": {
         "type": "string",
         "minLength": 1,
         "maxLength": 1024
        },
        "revision": {
         "type": "integer",
         "format": "int64"
        },
        "workspaceName": {
         "type": "string",
         "maxLength": 255
        }
       },
       "additionalProperties": false
      },
      "downstream": {
       "type": "object",
       "required": [
        "repo",
        "package"
       ],
       "properties": {
        "repo": {
         "type": "string",
         "minLength": 1,
         "maxLength": 63
        },
        "package": {
         "type": "string",
         "minLength": 1,
         "maxLength": 1024
        }
       },
       "additionalProperties": false
      },
      "adoptionPolicy": {
       "type": "string",
       "enum": [
        "",
        "adoptNone",
        "adoptExisting"
       ]
      },
      "deletionPolicy": {
       "type": "string",
       "enum": [
        "",
        "delete",
        "orphan"
       ]
      },
      "labels": {
       "type": "object",
       "additionalProperties": {
        "type": "string",
        "pattern": "^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$",
        "maxLength": 63
       }
      },
      "annotations": {
       "type": "object",
       "additionalProperties": {
        "type": "string",
        "maxLength": 262144
       }
      },
      "packageContext": {
       "type": "object",
       "properties": {
        "data": {
         "type": "object",
         "additionalProperties": {
          "type": "string"
         }
        },
        "removeKeys": {
         "type": "array",
         "maxItems": 256,
         "items": {
          "type": "string",
          "maxLength": 253
         }
        }
       },
       "additionalProperties": false
      },
      "pipeline": {
       "type": "object",
       "properties": {
        "mutators": {
         "type": "array",
         "maxItems": 64,
         "items": {
          "type": "object",
          "properties": {
           "name": {
            "type": "string",
            "pattern": "^[^.]*$",
            "maxLength": 253
           },
           "image": {
            "type": "string",
            "maxLength": 1024
           },
           "exec": {
            "type": "string",
            "maxLength": 1024
           },
           "tag": {
            "type": "string"
           },
           "configPath": {
            "type": "string"
           },
           "configMap": {
            "type": "object",
            "additionalProperties": {
             "type": "string"
            }
           },
           "selectors": {
            "type": "array",
            "items": {
             "type": "object",
             "properties": {
              "apiVersion": {
               "type": "string"
              },
              "kind": {
               "type": "string"
              },
              "name": {
               "type": "string"
              },
              "namespace": {
               "type": "string"
              },
              "labels": {
               "type": "object",
               "additionalProperties": {
                "type": "string"
               }
              },
              "annotations": {
               "type": "object",
               "additionalProperties": {
                "type": "string"
               }
              }
             },
             "additionalProperties": false
            }
           },
           "exclude": {
            "type": "array",
            "items": {
             "type": "object",
             "properties": {
              "apiVersion": {
               "type": "string"
              },
              "kind": {
               "type": "string"
              },
              "name": {
               "type": "string"
              },
              "namespace": {
               "type": "string"
              },
              "labels": {
               "type": "object",
               "additionalProperties": {
                "type": "string"
               }
              },
              "annotations": {
               "type": "object",
               "additionalProperties": {
                "type": "string"
               }
              }
             },
             "additionalProperties": false
            }
           }
          },
          "additionalProperties": false
         }
        },
        "validators": {
         "type": "array",
         "maxItems": 64,
         "items": {
          "type": "object",
          "properties": {
           "name": {
            "type": "string",
            "pattern": "^[^.]*$",
            "maxLength": 253
           },
           "image": {
            "type": "string",
            "maxLength": 1024
           },
           "exec": {
            "type": "string",
            "maxLength": 1024
           },
           "tag": {
            "type": "string"
           },
           "configPath": {
            "type": "string"
           },
           "configMap": {
            "type": "object",
            "additionalProperties": {
             "type": "string"
            }
           },
           "selectors": {
            "type": "array",
            "items": {
             "type": "object",
             "properties": {
              "apiVersion": {
               "type": "string"
              },
              "kind": {
               "type": "string"
              },
              "name": {
               "type": "string"
              },
              "namespace": {
               "type": "string"
              },
              "labels": {
               "type": "object",
               "additionalProperties": {
                "type": "string"
               }
              },
              "annotations": {
               "type": "object",
               "additionalProperties": {
                "type": "string"
               }
              }
             },
             "additionalProperties": false
            }
           },
           "exclude": {
            "type": "array",
            "items": {
             "type": "object",
             "properties": {
              "apiVersion": {
               "type": "string"
              },
              "kind": {
               "type": "string"
              },
              "name": {
               "type": "string"
              },
              "namespace": {
               "type": "string"
              },
              "labels": {
               "type": "object",
               "additionalProperties": {
                "type": "string"
               }
              },
              "annotations": {
               "type": "object",
               "additionalProperties": {
                "type": "string"
               }
              }
             },
             "additionalProperties": false
            }
           }
          },
          "additionalProperties": false
         }
        }
       },
       "additionalProperties": false
      },
      "injectors": {
       "type": "array",
       "maxItems": 64,
       "items": {
        "type": "object",
        "required": [
         "name"
        ],
        "properties": {
         "group": {
          "type": "string"
         },
         "version": {
          "type": "string"
         },
         "kind": {
          "type": "string"
         },
         "name": {
          "type": "string",
          "minLength": 1
         }
        },
        "additionalProperties": false
       }
      },
      "approval": {
       "type": "object",
       "properties": {
        "policy": {
         "type": "string",
         "enum": [
          "Manual",
          "Initial",
          "Always",
          "WhenReady"
         ]
        },
        "delay": {
         "type": "string",
         "pattern": "^([0-9]+(\\.[0-9]+)?(ns|us|ms|s|m|h))+$"
        },
        "requiredGates": {
         "type": "array",
         "maxItems": 64,
         "items": {
          "type": "string",
          "minLength": 1
         }
        }
       },
       "additionalProperties": false
      },
      "upgradeStrategy": {
       "type": "string",
       "enum": [
        "resource-merge",
        "fast-forward",
        "force-delete-replace",
        "copy-merge"
       ]
      },
      "suspend": {
       "type": "boolean"
      },
      "revisionHistoryLimit": {
       "type": "integer",
       "format": "int32",
       "minimum": 1
      }
     },
     "additionalProperties": false
    },
    "status": {
     "type": "object",
     "default": {
      "observedGeneration": -1
     },
     "properties": {
      "observedGeneration": {
       "type": "integer",
       "format": "int64"
      },
      "conditions": {
       "type": "array",
       "items": {
        "type": "object",
        "required": [
         "type",
         "status",
         "reason",
         "message",
         "lastTransitionTime"
        ],
        "properties": {
         "type": {
          "type": "string",
          "maxLength": 316
         },
         "status": {
          "type": "string",
          "enum": [
           "True",
           "False",
           "Unknown"
          ]
         },
         "reason": {
          "type": "string",
          "minLength": 1,
          "maxLength": 1024
         },
         "message": {
          "type": "string",
          "maxLength": 32768
         },
         "observedGeneration": {
          "type": "integer",
          "format": "int64"
         },
         "lastTransitionTime": {
          "type": "string",
          "format": "date-time"
         }
        },
        "additionalProperties": false
       }
      },
      "phase": {
       "type": "string",
       "enum": [
        "Pending",
        "Blocked",
        "Draft",
        "Proposed",
        "Published",
        "Rejected",
        "Suspended"
       ]
      },
      "upstream": {
       "type": "object",
       "properties": {
        "name": {
         "type": "string"
        },
        "revision": {
         "type": "integer",
         "format": "int64"
        },
        "workspaceName": {
         "type": "string"
        },
        "ref": {
         "type": "string"
        },
        "commit": {
         "type": "string"
        },
        "tree": {
         "type": "string"
        }
       },
       "additionalProperties": false
      },
      "downstreamTargets": {
       "type": "array",
       "maxItems": 32,
       "items": {
        "type": "object",
        "required": [
         "name"
        ],
        "properties": {
         "name": {
          "type": "string"
         },
         "workspaceName": {
          "type": "string"
         },
         "lifecycle": {
          "type": "string"
         },
         "revision": {
          "type": "integer",
          "format": "int64"
         },
         "rendered": {
          "type": "boolean"
         },
         "renderStatus": {
          "type": "object",
          "properties": {
           "error": {
            "type": "string"
           },
           "result": {
            "type": "object"
           }
          },
          "additionalProperties": false
         }
        },
        "additionalProperties": false
       }
      },
      "conflicts": {
       "type": "integer",
       "format": "int32"
      },
      "inputHash": {
       "type": "string"
      },
      "rejected": {
       "type": "object",
       "required": [
        "inputHash"
       ],
       "properties": {
        "inputHash": {
         "type": "string"
        },
        "revision": {
         "type": "string"
        }
       },
       "additionalProperties": false
      },
      "lastHandledReconcileAt": {
       "type": "string"
      }
     },
     "additionalProperties": false
    }
   },
   "additionalProperties": false
  }
 },
 {
  "apiVersion": "config.porch.kpt.dev/v1alpha2",
  "kind": "PackageVariantSet",
  "plural": "packagevariantsets",
  "namespaced": true,
  "schema": {
   "type": "object",
   "required": [
    "spec"
   ],
   "properties": {
    "apiVersion": {
     "type": "string"
    },
    "kind": {
     "type": "string"
    },
    "metadata": {
     "type": "object"
    },
    "spec": {
     "type": "object",
     "required": [
      "upstream",
      "targets"
     ],
     "properties": {
      "upstream": {
       "type": "object",
       "required": [
        "repo",
        "package"
       ],
       "properties": {
        "repo": {
         "type": "string",
         "minLength": 1,
         "maxLength": 63
        },
        "package": {
         "type": "string",
         "minLength": 1,
         "maxLength": 1024
        },
        "revision": {
         "type": "integer",
         "format": "int64"
        },
        "workspaceName": {
         "type": "string",
         "maxLength": 255
        }
       },
       "additionalProperties": false
      },
      "targets": {
       "type": "array",
       "minItems": 1,
       "maxItems": 128,
       "items": {
        "type": "object",
        "properties": {
         "repositories": {
          "type": "array",
          "minItems": 1,
          "maxItems": 1024,
          "items": {
           "type": "object",
           "required": [
            "name"
           ],
           "properties": {
            "name": {
             "type": "string",
             "minLength": 1
            },
            "packageNames": {
             "type": "array",
             "maxItems": 1024,
             "items": {
              "type": "string",
              "minLength": 1
             }
            }
           },
           "additionalProperties": false
          }
         },
         "repositorySelector": {
          "type": "object",
          "properties": {
           "matchExpressions": {
            "type": "array",
            "maxItems": 64,
            "items": {
             "type": "object",
             "required": [
              "key",
              "operator"
             ],
             "properties": {
              "key": {
               "type": "string",
               "minLength": 1
              },
              "operator": {
               "type": "string",
               "enum": [
                "In",
                "NotIn",
                "Exists",
                "DoesNotExist"
               ]
              },
              "values": {
               "type": "array",
               "maxItems": 1024,
               "items": {
                "type": "string"
               }
              }
             },
             "additionalProperties": false
            }
           },
           "matchLabels": {
            "type": "object",
            "additionalProperties": {
             "type": "string"
            }
           }
          },
          "additionalProperties": false
         },
         "objectSelector": {
          "type": "object",
          "required": [
           "apiVersion",
           "kind"
          ],
          "properties": {
           "apiVersion": {
            "type": "string",
            "minLength": 1
           },
           "kind": {
            "type": "string",
            "minLength": 1
           },
           "name": {
            "type": "string"
           },
           "matchExpressions": {
            "type": "array",
            "maxItems": 64,
            "items": {
             "type": "object",
             "required": [
              "key",
              "operator"
             ],
             "properties": {
              "key": {
               "type": "string",
               "minLength": 1
              },
              "operator": {
               "type": "string",
               "enum": [
                "In",
                "NotIn",
                "Exists",
                "DoesNotExist"
               ]
              },
              "values": {
               "type": "array",
               "maxItems": 1024,
               "items": {
                "type": "string"
               }
              }
             },
             "additionalProperties": false
            }
           },
           "matchLabels": {
            "type": "object",
            "additionalProperties": {
             "type": "string"
            }
           }
          },
          "additionalProperties": false
         },
         "template": {
          "type": "object",
          "properties": {
           "downstream": {
            "type": "object",
            "properties": {
             "repo": {
              "type": "string"
             },
             "repoExpr": {
              "type": "string",
              "minLength": 1,
              "maxLength": 4096
             },
             "package": {
              "type": "string"
             },
             "packageExpr": {
              "type": "string",
              "minLength": 1,
              "maxLength": 4096
             }
            },
            "additionalProperties": false
           },
           "adoptionPolicy": {
            "type": "string",
            "enum": [
             "adoptNone",
             "adoptExisting"
            ]
           },
           "deletionPolicy": {
            "type": "string",
            "enum": [
             "delete",
             "orphan"
            ]
           },
           "labels": {
            "type": "object",
            "additionalProperties": {
             "type": "string",
             "pattern": "^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$",
             "maxLength": 63
            }
           },
           "labelExprs": {
            "type": "array",
            "maxItems": 64,
            "items": {
             "type": "object",
             "properties": {
              "key": {
               "type": "string"
              },
              "keyExpr": {
               "type": "string",
               "minLength": 1,
               "maxLength": 4096
              },
              "value": {
               "type": "string"
              },
              "valueExpr": {
               "type": "string",
               "minLength": 1,
               "maxLength": 4096
              }
             },
             "additionalProperties": false
            }
           },
           "annotations": {
            "type": "object",
            "additionalProperties": {
             "type": "string",
             "maxLength": 262144
            }
           },
           "annotationExprs": {
            "type": "array",
            "maxItems": 64,
            "items": {
             "type": "object",
             "properties": {
              "key": {
               "type": "string"
              },
              "keyExpr": {
               "type": "string",
               "minLength": 1,
               "maxLength": 4096
              },
              "value": {
               "type": "string"
              },
              "valueExpr": {
               "type": "string",
               "minLength": 1,
               "maxLength": 4096
              }
             },
             "additionalProperties": false
            }
           },
           "packageContext": {
            "type": "object",
            "properties": {
             "data": {
              "type": "object",
              "additionalProperties": {
               "type": "string"
              }
             },
             "dataExprs": {
              "type": "array",
              "maxItems": 64,
              "items": {
               "type": "object",
               "properties": {
                "key": {
                 "type": "string"
                },
                "keyExpr": {
                 "type": "string",
                 "minLength": 1,
                 "maxLength": 4096
                },
                "value": {
                 "type": "string"
                },
                "valueExpr": {
                 "type": "string",
                 "minLength": 1,
                 "maxLength": 4096
                }
               },
               "additionalProperties": false
              }
             },
             "removeKeys": {
              "type": "array",
              "maxItems": 256,
              "items": {
               "type": "string",
               "maxLength": 253
              }
             },
             "removeKeyExprs": {
              "type": "array",
              "maxItems": 64,
              "items": {
               "type": "string",
               "minLength": 1,
               "maxLength": 4096
              }
             }
            },
            "additionalProperties": false
           },
           "pipeline": {
            "type": "object",
            "properties": {
             "mutators": {
              "type": "array",
              "maxItems": 64,
              "items": {
               "type": "object",
               "properties": {
                "name": {
                 "type": "string",
                 "pattern": "^[^.]*$",
                 "maxLength": 253
                },
                "image": {
                 "type": "string",
                 "maxLength": 1024
                },
                "exec": {
                 "type": "string",
                 "maxLength": 1024
                },
                "tag": {
                 "type": "string"
                },
                "configPath": {
                 "type": "string"
                },
                "configMap": {
                 "type": "object",
                 "additionalProperties": {
                  "type": "string"
                 }
                },
                "selectors": {
                 "type": "array",
                 "items": {
                  "type": "object",
                  "properties": {
                   "apiVersion": {
                    "type": "string"
                   },
                   "kind": {
                    "type": "string"
                   },
                   "name": {
                    "type": "string"
                   },
                   "namespace": {
                    "type": "string"
                   },
                   "labels": {
                    "type": "object",
                    "additionalProperties": {
                     "type": "string"
                    }
                   },
                   "annotations": {
                    "type": "object",
                    "additionalProperties": {
                     "type": "string"
                    }
                   }
                  },
                  "additionalProperties": false
                 }
                },
                "exclude": {
                 "type": "array",
                 "items": {
                  "type": "object",
                  "properties": {
                   "apiVersion": {
                    "type": "string"
                   },
                   "kind": {
                    "type": "string"
                   },
                   "name": {
                    "type": "string"
                   },
                   "namespace": {
                    "type": "string"
                   },
                   "labels": {
                    "type": "object",
                    "additionalProperties": {
                     "type": "string"
                    }
                   },
                   "annotations": {
                    "type": "object",
                    "additionalProperties": {
                     "type": "string"
                    }
                   }
                  },
                  "additionalProperties": false
                 }
                },
                "configMapExprs": {
                 "type": "array",
                 "maxItems": 64,
                 "items": {
                  "type": "object",
                  "properties": {
                   "key": {
                    "type": "string"
                   },
                   "keyExpr": {
                    "type": "string",
                    "minLength": 1,
                    "maxLength": 4096
                   },
                   "value": {
                    "type": "string"
                   },
                   "valueExpr": {
                    "type": "string",
                    "minLength": 1,
                    "maxLength": 4096
                   }
                  },
                  "additionalProperties": false
                 }
                }
               },
               "additionalProperties": false
              }
             },
             "validators": {
              "type": "array",
              "maxItems": 64,
              "items": {
               "type": "object",
               "properties": {
                "name": {
                 "type": "string",
                 "pattern": "^[^.]*$",
                 "maxLength": 253
                },
                "image": {
                 "type": "string",
                 "maxLength": 1024
                },
                "exec": {
                 "type": "string",
                 "maxLength": 1024
                },
                "tag": {
                 "type": "string"
                },
                "configPath": {
                 "type": "string"
                },
                "configMap": {
                 "type": "object",
                 "additionalProperties": {
                  "type": "string"
                 }
                },
                "selectors": {
                 "type": "array",
                 "items": {
                  "type": "object",
                  "properties": {
                   "apiVersion": {
                    "type": "string"
                   },
                   "kind": {
                    "type": "string"
                   },
                   "name": {
                    "type": "string"
                   },
                   "namespace": {
                    "type": "string"
                   },
                   "labels": {
                    "type": "object",
                    "additionalProperties": {
                     "type": "string"
                    }
                   },
                   "annotations": {
                    "type": "object",
                    "additionalProperties": {
                     "type": "string"
                    }
                   }
                  },
                  "additionalProperties": false
                 }
                },
                "exclude": {
                 "type": "array",
                 "items": {
                  "type": "object",
                  "properties": {
                   "apiVersion": {
                    "type": "string"
                   },
                   "kind": {
                    "type": "string"
                   },
                   "name": {
                    "type": "string"
                   },
                   "namespace": {
                    "type": "string"
                   },
                   "labels": {
                    "type": "object",
                    "additionalProperties": {
                     "type": "string"
                    }
                   },
                   "annotations": {
                    "type": "object",
                    "additionalProperties": {
                     "type": "string"
                    }
                   }
                  },
                  "additionalProperties": false
                 }
                },
                "configMapExprs": {
                 "type": "array",
                 "maxItems": 64,
                 "items": {
                  "type": "object",
                  "properties": {
                   "key": {
                    "type": "string"
                   },
                   "keyExpr": {
                    "type": "string",
                    "minLength": 1,
                    "maxLength": 4096
                   },
                   "value": {
                    "type": "string"
                   },
                   "valueExpr": {
                    "type": "string",
                    "minLength": 1,
                    "maxLength": 4096
                   }
                  },
                  "additionalProperties": false
                 }
                }
               },
               "additionalProperties": false
              }
             }
            },
            "additionalProperties": false
           },
           "injectors": {
            "type": "array",
            "maxItems": 64,
            "items": {
             "type": "object",
             "properties": {
              "group": {
               "type": "string"
              },
              "version": {
               "type": "string"
              },
              "kind": {
               "type": "string"
              },
              "name": {
               "type": "string",
               "minLength": 1
              },
              "nameExpr": {
               "type": "string",
               "minLength": 1,
               "maxLength": 4096
              }
             },
             "additionalProperties": false
            }
           },
           "approval": {
            "type": "object",
            "properties": {
             "policy": {
              "type": "string",
              "enum": [
               "Manual",
               "Initial",
               "Always",
               "WhenReady"
              ]
             },
             "delay": {
              "type": "string",
              "pattern": "^([0-9]+(\\.[0-9]+)?(ns|us|ms|s|m|h))+$"
             },
             "requiredGates": {
              "type": "array",
              "maxItems": 64,
              "items": {
               "type": "string",
               "minLength": 1
              }
             }
            },
            "additionalProperties": false
           },
           "upgradeStrategy": {
            "type": "string",
            "enum": [
             "resource-merge",
             "fast-forward",
             "force-delete-replace",
             "copy-merge"
            ]
           },
           "revisionHistoryLimit": {
            "type": "integer",
            "format": "int32",
            "minimum": 1
           }
          },
          "additionalProperties": false
         }
        },
        "additionalProperties": false
       }
      },
      "rollout": {
       "type": "object",
       "properties": {
        "maxConcurrent": {
         "type": "integer",
         "format": "int32",
         "minimum": 1
        },
        "maxFailures": {
         "type": "integer",
         "format": "int32",
         "minimum": 0
        },
        "waves": {
         "type": "array",
         "maxItems": 32,
         "items": {
          "type": "object",
          "required": [
           "name",
           "selector"
          ],
          "properties": {
           "name": {
            "type": "string",
            "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
            "maxLength": 63
           },
           "maxConcurrent": {
            "type": "integer",
            "format": "int32",
            "minimum": 1
           },
           "soak": {
            "type": "string",
            "pattern": "^([0-9]+(\\.[0-9]+)?(ns|us|ms|s|m|h))+$"
           },
           "selector": {
            "type": "object",
            "properties": {
             "matchExpressions": {
              "type": "array",
              "maxItems": 64,
              "items": {
               "type": "object",
               "required": [
                "key",
                "operator"
               ],
               "properties": {
                "key": {
                 "type": "string",
                 "minLength": 1
                },
                "operator": {
                 "type": "string",
                 "enum": [
                  "In",
                  "NotIn",
                  "Exists",
                  "DoesNotExist"
                 ]
                },
                "values": {
                 "type": "array",
                 "maxItems": 1024,
                 "items": {
                  "type": "string"
                 }
                }
               },
               "additionalProperties": false
              }
             },
             "matchLabels": {
              "type": "object",
              "additionalProperties": {
               "type": "string"
              }
             }
            },
            "additionalProperties": false
           }
          },
          "additionalProperties": false
         }
        },
        "pauseAfter": {
         "type": "string",
         "maxLength": 63
        },
        "waitFor": {
         "type": "string",
         "enum": [
          "Ready",
          "Published"
         ]
        }
       },
       "additionalProperties": false
      },
      "deletionGuard": {
       "type": "object",
       "properties": {
        "maxDeletions": {
         "type": "integer",
         "format": "int32",
         "minimum": 0
        },
        "percent": {
         "type": "integer",
         "format": "int32",
         "minimum": 0,
         "maximum": 100
        },
        "gracePeriod": {
         "type": "string",
         "pattern": "^([0-9]+(\\.[0-9]+)?(ns|us|ms|s|m|h))+$"
        }
       },
       "additionalProperties": false
      },
      "mode": {
       "type": "string",
       "enum": [
        "apply",
        "preview"
       ]
      },
      "suspend": {
       "type": "boolean"
      }
     },
     "additionalProperties": false
    },
    "status": {
     "type": "object",
     "default": {
      "observedGeneration": -1
     },
     "properties": {
      "observedGeneration": {
       "type": "integer",
       "format": "int64"
      },
      "conditions": {
       "type": "array",
       "items": {
        "type": "object",
        "required": [
         "type",
         "status",
         "reason",
         "message",
         "lastTransitionTime"
        ],
        "properties": {
         "type": {
          "type": "string",
          "maxLength": 316
         },
         "status": {
          "type": "string",
          "enum": [
           "True",
           "False",
           "Unknown"
          ]
         },
         "reason": {
          "type": "string",
          "minLength": 1,
          "maxLength": 1024
         },
         "message": {
          "type": "string",
          "maxLength": 32768
         },
         "observedGeneration": {
          "type": "integer",
          "format": "int64"
         },
         "lastTransitionTime": {
          "type": "string",
          "format": "date-time"
         }
        },
        "additionalProperties": false
       }
      },
      "summary": {
       "type": "object",
       "properties": {
        "desired": {
         "type": "integer",
         "format": "int32"
        },
        "ready": {
         "type": "integer",
         "format": "int32"
        },
        "progressing": {
         "type": "integer",
         "format": "int32"
        },
        "failed": {
         "type": "integer",
         "format": "int32"
        },
        "waiting": {
         "type": "integer",
         "format": "int32"
        },
        "retained": {
         "type": "integer",
         "format": "int32"
        }
       },
       "additionalProperties": false
      },
      "targets": {
       "type": "array",
       "maxItems": 100,
       "items": {
        "type": "object",
        "required": [
         "ready",
         "message"
        ],
        "properties": {
         "target": {
          "type": "string"
         },
         "variant": {
          "type": "string"
         },
         "repo": {
          "type": "string"
         },
         "package": {
          "type": "string"
         },
         "ready": {
          "type": "boolean"
         },
         "reason": {
          "type": "string"
         },
         "message": {
          "type": "string"
         }
        },
        "additionalProperties": false
       }
      },
      "rollout": {
       "type": "object",
       "required": [
        "state",
        "waves"
       ],
       "properties": {
        "state": {
         "type": "string",
         "enum": [
          "Progressing",
          "Paused",
          "Stopped",
          "Complete"
         ]
        },
        "revision": {
         "type": "integer",
         "format": "int64"
        },
        "waves": {
         "type": "array",
         "maxItems": 33,
         "items": {
          "type": "object",
          "required": [
           "name",
           "state",
           "desired",
           "updated",
           "ready",
           "failed"
          ],
          "properties": {
           "name": {
            "type": "string"
           },
           "state": {
            "type": "string",
            "enum": [
             "Waiting",
             "Progressing",
             "Ready"
            ]
           },
           "desired": {
            "type": "integer",
            "format": "int32"
           },
           "updated": {
            "type": "integer",
            "format": "int32"
           },
           "ready": {
            "type": "integer",
            "format": "int32"
           },
           "failed": {
            "type": "integer",
            "format": "int32"
           },
           "readySince": {
            "type": "string",
            "format": "date-time"
           }
          },
          "additionalProperties": false
         }
        }
       },
       "additionalProperties": false
      },
      "deletions": {
       "type": "object",
       "properties": {
        "retained": {
         "type": "integer",
         "format": "int32"
        },
        "token": {
         "type": "string"
        },
        "retainedSince": {
         "type": "string",
         "format": "date-time"
        },
        "removed": {
         "type": "integer",
         "format": "int32"
        },
        "windowStart": {
         "type": "string",
         "format": "date-time"
        },
        "confirmed": {
         "type": "string"
        },
        "confirmedLeft": {
         "type": "integer",
         "format": "int32"
        }
       },
       "additionalProperties": false
      },
      "preview": {
       "type": "object",
       "required": [
        "create",
        "update",
        "delete",
        "unchanged"
       ],
       "properties": {
        "create": {
         "type": "integer",
         "format": "int32"
        },
        "update": {
         "type": "integer",
         "format": "int32"
        },
        "delete": {
         "type": "integer",
         "format": "int32"
        },
        "unchanged": {
         "type": "integer",
         "format": "int32"
        },
        "changes": {
         "type": "array",
         "maxItems": 100,
         "items": {
          "type": "object",
          "required": [
           "action",
           "variant",
           "repo",
           "package"
          ],
          "properties": {
           "action": {
            "type": "string",
            "enum": [
             "create",
             "update",
             "delete"
            ]
           },
           "variant": {
            "type": "string"
           },
           "repo": {
            "type": "string"
           },
           "package": {
            "type": "string"
           },
           "target": {
            "type": "string"
           },
           "fields": {
            "type": "array",
            "maxItems": 32,
            "items": {
             "type": "string"
            }
           }
          },
          "additionalProperties": false
         }
        }
       },
       "additionalProperties": false
      },
      "lastHandledReconcileAt": {
       "type": "string"
      }
     },
     "additionalProperties": false
    }
   },
   "additionalProperties": false
  }
 },
 {
  "apiVersion": "config.porch.kpt.dev/v1alpha1",
  "kind": "Repository",
  "plural": "repositories",
  "namespaced": true,
  "schema": {
   "type": "object",
   "required": [
    "spec"
   ],
   "properties": {
    "apiVersion": {
     "type": "string"
    },
    "kind": {
     "type": "string"
    },
    "metadata": {
     "type": "object"
    },
    "spec": {
     "type": "object",
     "properties": {
      "type": {
       "type": "string",
       "enum": [
        "git",
        "oci"
       ]
      },
      "content": {
       "type": "string",
       "enum": [
        "",
        "Package"
       ]
      },
      "deployment": {
       "type": "boolean"
      },
      "description": {
       "type": "string"
      },
      "git": {
       "type": "object",
       "required": [
        "repo"
       ],
       "properties": {
        "repo": {
         "type": "string",
         "minLength": 1,
         "maxLength": 2048
        },
        "branch": {
         "type": "string",
         "minLength": 1,
         "maxLength": 255
        },
        "createBranch": {
         "type": "boolean"
        },
        "directory": {
         "type": "string",
         "maxLength": 1024
        },
        "secretRef": {
         "type": "object",
         "properties": {
          "name": {
           "type": "string",
           "maxLength": 253
          }
         },
         "additionalProperties": false
        },
        "author": {
         "type": "string"
        },
        "email": {
         "type": "string"
        }
       },
       "additionalProperties": false
      },
      "oci": {
       "type": "object",
       "properties": {
        "registry": {
         "type": "string",
         "maxLength": 2048
        },
        "secretRef": {
         "type": "object",
         "properties": {
          "name": {
           "type": "string",
           "maxLength": 253
          }
         },
         "additionalProperties": false
        }
       },
       "additionalProperties": false
      },
      "sync": {
       "type": "object",
       "properties": {
        "schedule": {
         "type": "string"
        },
        "runOnceAt": {
         "type": "string",
         "format": "date-time"
        }
       },
       "additionalProperties": false
      }
     },
     "additionalProperties": false
    },
    "status": {
     "type": "object",
     "default": {
      "observedGeneration": -1
     },
     "properties": {
      "observedGeneration": {
       "type": "integer",
       "format": "int64"
      },
      "conditions": {
       "type": "array",
       "items": {
        "type": "object",
        "required": [
         "type",
         "status",
         "reason",
         "message",
         "lastTransitionTime"
        ],
        "properties": {
         "type": {
          "type": "string",
          "maxLength": 316
         },
         "status": {
          "type": "string",
          "enum": [
           "True",
           "False",
           "Unknown"
          ]
         },
         "reason": {
          "type": "string",
          "minLength": 1,
          "maxLength": 1024
         },
         "message": {
          "type": "string",
          "maxLength": 32768
         },
         "observedGeneration": {
          "type": "integer",
          "format": "int64"
         },
         "lastTransitionTime": {
          "type": "string",
          "format": "date-time"
         }
        },
        "additionalProperties": false
       }
      },
      "lastFullSyncTime": {
       "type": "string",
       "format": "date-time"
      },
      "nextFullSyncTime": {
       "type": "string",
       "format": "date-time"
      },
      "observedRunOnceAt": {
       "type": "string",
       "format": "date-time"
      },
      "lastHandledReconcileAt": {
       "type": "string"
      },
      "packageCount": {
       "type": "integer",
       "format": "int32"
      },
      "gitCommitHash": {
       "type": "string"
      },
      "warnings": {
       "type": "array",
       "maxItems": 32,
       "items": {
        "type": "object",
        "required": [
         "ref",
         "message"
        ],
        "properties": {
         "ref": {
          "type": "string"
         },
         "message": {
          "type": "string"
         }
        },
        "additionalProperties": false
       }
      }
     },
     "additionalProperties": false
    }
   },
   "additionalProperties": false
  }
 },
 {
  "apiVersion": "porch.kpt.dev/v1alpha2",
  "kind": "PackageRevision",
  "plural": "packagerevisions",
  "namespaced": true,
  "schema": {
   "type": "object",
   "required": [
    "spec"
   ],
   "properties": {
    "apiVersion": {
     "type": "string"
    },
    "kind": {
     "type": "string"
    },
    "metadata": {
     "type": "object"
    },
    "spec": {
     "type": "object",
     "required": [
      "packageName",
      "repository",
      "workspaceName"
     ],
     "properties": {
      "packageName": {
       "type": "string",
       "minLength": 1,
       "maxLength": 1024
      },
      "repository": {
       "type": "string",
       "minLength": 1,
       "maxLength": 63
      },
      "workspaceName": {
       "type": "string",
       "minLength": 1,
       "maxLength": 255
      },
      "lifecycle": {
       "type": "string",
       "enum": [
        "Draft",
        "Proposed",
        "Published",
        "DeletionProposed"
       ],
       "default": "Draft"
      },
      "source": {
       "type": "object",
       "properties": {
        "init": {
         "type": "object",
         "properties": {
          "description": {
           "type": "string",
           "maxLength": 4096
          },
          "keywords": {
           "type": "array",
           "maxItems": 64,
           "items": {
            "type": "string",
            "maxLength": 253
           }
          },
          "site": {
           "type": "string",
           "maxLength": 2048
          },
          "subpackage": {
           "type": "string",
           "maxLength": 1024
          }
         },
         "additionalProperties": false
        },
        "cloneFrom": {
         "type": "object",
         "properties": {
          "type": {
           "type": "string",
           "enum": [
            "",
            "git",
            "oci"
           ]
          },
          "upstreamRef": {
           "type": "object",
           "properties": {
            "name": {
             "type": "string",
             "maxLength": 253
            }
           },
           "additionalProperties": false
          },
          "git": {
           "type": "object",
           "required": [
            "repo"
           ],
           "properties": {
            "repo": {
             "type": "string",
             "minLength": 1,
             "maxLength": 2048
            },
            "ref": {
             "type": "string",
             "maxLength": 255
            },
            "directory": {
             "type": "string",
             "maxLength": 1024
            },
            "secretRef": {
             "type": "object",
             "properties": {
              "name": {
               "type": "string",
               "maxLength": 253
              }
             },
             "additionalProperties": false
            }
           },
           "additionalProperties": false
          },
          "oci": {
           "type": "object",
           "required": [
            "image"
           ],
           "properties": {
            "image": {
             "type": "string",
             "minLength": 1,
             "maxLength": 1024
            },
            "secretRef": {
             "type": "object",
             "properties": {
              "name": {
               "type": "string",
               "maxLength": 253
              }
             },
             "additionalProperties": false
            }
           },
           "additionalProperties": false
          }
         },
         "additionalProperties": false
        },
        "copyFrom": {
         "type": "object",
         "required": [
          "name"
         ],
         "properties": {
          "name": {
           "type": "string",
           "minLength": 1,
           "maxLength": 253
          }
         },
         "additionalProperties": false
        },
        "upgrade": {
         "type": "object",
         "required": [
          "currentPackage"
         ],
         "properties": {
          "oldUpstream": {
           "type": "object",
           "required": [
            "name"
           ],
           "properties": {
            "name": {
             "type": "string",
             "minLength": 1,
             "maxLength": 253
            }
           },
           "additionalProperties": false
          },
          "newUpstream": {
           "type": "object",
           "required": [
            "name"
           ],
           "properties": {
            "name": {
             "type": "string",
             "minLength": 1,
             "maxLength": 253
            }
           },
           "additionalProperties": false
          },
          "currentPackage": {
           "type": "object",
           "required": [
            "name"
           ],
           "properties": {
            "name": {
             "type": "string",
             "minLength": 1,
             "maxLength": 253
            }
           },
           "additionalProperties": false
          },
          "oci": {
           "type": "object",
           "required": [
            "image"
           ],
           "properties": {
            "image": {
             "type": "string",
             "minLength": 1,
             "maxLength": 1024
            },
            "secretRef": {
             "type": "object",
             "properties": {
              "name": {
               "type": "string",
               "maxLength": 253
              }
             },
             "additionalProperties": false
            }
           },
           "additionalProperties": false
          },
          "strategy": {
           "type": "string",
           "enum": [
            "resource-merge",
            "fast-forward",
            "force-delete-replace",
            "copy-merge"
           ]
          }
         },
         "additionalProperties": false
        }
       },
       "additionalProperties": false
      },
      "readinessGates": {
       "type": "array",
       "items": {
        "type": "object",
        "required": [
         "conditionType"
        ],
        "properties": {
         "conditionType": {
          "type": "string",
          "minLength": 1
         }
        },
        "additionalProperties": false
       }
      },
      "packageMetadata": {
       "type": "object",
       "properties": {
        "labels": {
         "type": "object",
         "additionalProperties": {
          "type": "string"
         }
        },
        "annotations": {
         "type": "object",
         "additionalProperties": {
          "type": "string"
         }
        }
       },
       "additionalProperties": false
      }
     },
     "additionalProperties": false
    },
    "status": {
     "type": "object",
     "default": {
      "observedGeneration": -1
     },
     "properties": {
      "observedGeneration": {
       "type": "integer",
       "format": "int64"
      },
      "conditions": {
       "type": "array",
       "items": {
        "type": "object",
        "required": [
         "type",
         "status",
         "reason",
         "message",
         "lastTransitionTime"
        ],
        "properties": {
         "type": {
          "type": "string",
          "maxLength": 316
         },
         "status": {
          "type": "string",
          "enum": [
           "True",
           "False",
           "Unknown"
          ]
         },
         "reason": {
          "type": "string",
          "minLength": 1,
          "maxLength": 1024
         },
         "message": {
          "type": "string",
          "maxLength": 32768
         },
         "observedGeneration": {
          "type": "integer",
          "format": "int64"
         },
         "lastTransitionTime": {
          "type": "string",
          "format": "date-time"
         }
        },
        "additionalProperties": false
       }
      },
      "creationSource": {
       "type": "string",
       "enum": [
        "init",
        "clone",
        "copy",
        "upgrade"
       ]
      },
      "revision": {
       "type": "integer",
       "format": "int64"
      },
      "publishedBy": {
       "type": "string"
      },
      "publishedAt": {
       "type": "string",
       "format": "date-time"
      },
      "selfLock": {
       "type": "object",
       "properties": {
        "type": {
         "type": "string"
        },
        "git": {
         "type": "object",
         "properties": {
          "repo": {
           "type": "string"
          },
          "directory": {
           "type": "string"
          },
          "ref": {
           "type": "string"
          },
          "commit": {
           "type": "string"
          }
         },
         "additionalProperties": false
        },
        "oci": {
         "type": "object",
         "properties": {
          "image": {
           "type": "string"
          },
          "digest": {
           "type": "string"
          }
         },
         "additionalProperties": false
        }
       },
       "additionalProperties": false
      },
      "upstreamLock": {
       "type": "object",
       "properties": {
        "type": {
         "type": "string"
        },
        "git": {
         "type": "object",
         "properties": {
          "repo": {
           "type": "string"
          },
          "directory": {
           "type": "string"
          },
          "ref": {
           "type": "string"
          },
          "commit": {
           "type": "string"
          }
         },
         "additionalProperties": false
        },
        "oci": {
         "type": "object",
         "properties": {
          "image": {
           "type": "string"
          },
          "digest": {
           "type": "string"
          }
         },
         "additionalProperties": false
        }
       },
       "additionalProperties": false
      },
      "deployment": {
       "type": "boolean"
      },
      "packageConditions": {
       "type": "array",
       "items": {
        "type": "object",
        "required": [
         "type",
         "status"
        ],
        "properties": {
         "type": {
          "type": "string"
         },
         "status": {
          "type": "string"
         },
         "reason": {
          "type": "string"
         },
         "message": {
          "type": "string"
         }
        },
        "additionalProperties": false
       }
      },
      "observedCommit": {
       "type": "string"
      },
      "packageTree": {
       "type": "string"
      },
      "observedLifecycle": {
       "type": "string",
       "enum": [
        "Draft",
        "Proposed",
        "Published",
        "DeletionProposed"
       ]
      },
      "baseRevision": {
       "type": "integer",
       "format": "int32",
       "minimum": 0
      },
      "inputHash": {
       "type": "string"
      },
      "renderStatus": {
       "type": "object",
       "properties": {
        "commit": {
         "type": "string"
        },
        "failure": {
         "type": "object",
         "required": [
          "reason",
          "message"
         ],
         "properties": {
          "reason": {
           "type": "string"
          },
          "message": {
           "type": "string"
          }
         },
         "additionalProperties": false
        },
        "steps": {
         "type": "array",
         "maxItems": 128,
         "items": {
          "type": "object",
          "required": [
           "phase",
           "packagePath",
           "exitCode"
          ],
          "properties": {
           "phase": {
            "type": "string",
            "enum": [
             "mutator",
             "validator"
            ]
           },
           "packagePath": {
            "type": "string"
           },
           "name": {
            "type": "string"
           },
           "image": {
            "type": "string"
           },
           "exec": {
            "type": "string"
           },
           "runtime": {
            "type": "string"
           },
           "exitCode": {
            "type": "integer",
            "format": "int32"
           },
           "stderr": {
            "type": "string"
           },
           "executionError": {
            "type": "string"
           },
           "results": {
            "type": "array",
            "maxItems": 64,
            "items": {
             "type": "object",
             "required": [
              "message"
             ],
             "properties": {
              "message": {
               "type": "string"
              },
              "severity": {
               "type": "string"
              },
              "resourceRef": {
               "type": "object",
               "properties": {
                "apiVersion": {
                 "type": "string"
                },
                "kind": {
                 "type": "string"
                },
                "name": {
                 "type": "string"
                },
                "namespace": {
                 "type": "string"
                }
               },
               "additionalProperties": false
              },
              "file": {
               "type": "object",
               "properties": {
                "path": {
                 "type": "string"
                },
                "index": {
                 "type": "integer",
                 "format": "int32"
                }
               },
               "additionalProperties": false
              },
              "field": {
               "type": "object",
               "properties": {
                "path": {
                 "type": "string"
                },
                "currentValue": {},
                "proposedValue": {}
               },
               "additionalProperties": false
              },
              "tags": {
               "type": "object",
               "additionalProperties": {
                "type": "string"
               }
              }
             },
             "additionalProperties": false
            }
           }
          },
          "additionalProperties": false
         }
        },
        "omitted": {
         "type": "integer",
         "format": "int32"
        },
        "warnings": {
         "type": "array",
         "maxItems": 32,
         "items": {
          "type": "string"
         }
        }
       },
       "additionalProperties": false
      },
      "mergeConflicts": {
       "type": "array",
       "maxItems": 100,
       "items": {
        "type": "object",
        "required": [
         "file",
         "resolution"
        ],
        "properties": {
         "file": {
          "type": "string"
         },
         "resource": {
          "type": "object",
          "properties": {
           "apiVersion": {
            "type": "string"
           },
           "kind": {
            "type": "string"
           },
           "name": {
            "type": "string"
           },
           "namespace": {
            "type": "string"
           }
          },
          "additionalProperties": false
         },
         "field": {
          "type": "string"
         },
         "base": {},
         "local": {},
         "upstream": {},
         "resolution": {
          "type": "string",
          "enum": [
           "local",
           "upstream",
           "merged",
           "deleted",
           "kept"
          ]
         }
        },
        "additionalProperties": false
       }
      },
      "tasks": {
       "type": "array",
       "maxItems": 64,
       "items": {
        "type": "object",
        "required": [
         "name"
        ],
        "properties": {
         "name": {
          "type": "string"
         },
         "commit": {
          "type": "string"
         },
         "warnings": {
          "type": "array",
          "maxItems": 16,
          "items": {
           "type": "string"
          }
         }
        },
        "additionalProperties": false
       }
      },
      "proposedBy": {
       "type": "string",
       "maxLength": 1024
      },
      "approvedBy": {
       "type": "string",
       "maxLength": 1024
      },
      "referencedBy": {
       "type": "array",
       "maxItems": 32,
       "items": {
        "type": "string"
       }
      },
      "observedPrrResourceVersion": {
       "type": "string"
      },
      "renderingPrrResourceVersion": {
       "type": "string"
      },
      "lastHandledReconcileAt": {
       "type": "string"
      }
     },
     "additionalProperties": false
    }
   },
   "additionalProperties": false
  }
 }
];
