import type { PackageRevision } from '../../api/kinds.ts';
import { findCondition } from '../../kube/conditions.ts';
import { retryPolicy } from '../../kube/result.ts';
import type { RenderReport } from '../../render/types.ts';
import { ObjectReport } from '../report.ts';
import { BRANCH_DIVERGED } from './branch-edit.ts';
import { NOT_RENDERED } from './observe.ts';
import { renderStatus } from './status.ts';

/** Conditions of a PackageRevision beside kstatus's: `Rendered` always once there is content, the others only when they say something. */
export class RevisionReport extends ObjectReport<PackageRevision> {
  /** Whether a repetition with the same inputs can only fail again. */
  static isFinal(error: unknown): boolean {
    return retryPolicy(error) === 'terminal';
  }

  /** @param commit that holds the rendered content; absent when the failure kept it from being written */
  rendered(report: RenderReport, commit: string | undefined): void {
    this.status({ renderStatus: renderStatus(report, commit) });
    this.conditions([
      report.failure
        ? { type: 'Rendered', status: 'False', reason: report.failure.reason, message: report.failure.message }
        : { type: 'Rendered', status: 'True', reason: 'Rendered', message: `${report.steps.length} functions ran` },
    ]);
  }

  /** What the Kptfile says of the render that made the content; a render of this process says more and comes after. */
  renderedBefore(condition: { readonly status: string; readonly message?: string } | undefined): void {
    if (condition?.status === 'True') {
      this.conditions([
        { type: 'Rendered', status: 'True', reason: 'Rendered', message: condition.message ?? 'rendered before' },
      ]);
    } else if (condition?.status === 'False') {
      this.conditions([
        {
          type: 'Rendered',
          status: 'False',
          reason: 'RenderFailed',
          message: condition.message ?? 'the render failed',
        },
      ]);
    }
  }

  /** A published revision was compared with the inputs that its variant wants. */
  compared(same: boolean, inputHash: string | undefined): void {
    this.status({ inputHash });
    this.conditions([
      same
        ? { type: 'InputsMatch', status: 'absent' }
        : {
            type: 'InputsMatch',
            status: 'False',
            reason: 'InputsDiffer',
            message: 'the content differs from what its variant wants',
          },
    ]);
  }

  /** @param divergence what somebody changed on the branch; undefined when the branch has the content of a revision */
  branchDiverged(divergence: string | undefined): void {
    const type = BRANCH_DIVERGED;
    const news = this.conditions([
      divergence === undefined
        ? { type, status: 'absent' }
        : { type, status: 'True', reason: type, message: divergence },
    ]);
    if (news && divergence !== undefined) this.warning(type, divergence);
  }

  /**
   * @param why what is in git now was not rendered; absent when it was
   * @returns whether the condition said so and has gone: what it is now, the package says
   */
  unrendered(why: string | undefined): boolean {
    if (why !== undefined) {
      this.conditions([{ type: 'Rendered', status: 'False', reason: NOT_RENDERED, message: why }]);
      return false;
    }
    const rendered = findCondition(this.current().status?.conditions, 'Rendered');
    if (rendered?.reason !== NOT_RENDERED) return false;
    this.conditions([{ type: 'Rendered', status: 'absent' }]);
    return true;
  }

  handPushed(yes: boolean): void {
    const message = 'holds commits made by hand';
    this.conditions([
      yes
        ? { type: 'HandPushed', status: 'True', reason: 'HandPushed', message }
        : { type: 'HandPushed', status: 'absent' },
    ]);
  }
}
