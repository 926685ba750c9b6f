import { t } from '../i18n'

/** What is said where the server said nothing. */
export const messages = {
  unreachable: () => t('error.unreachable'),
  status: (n: number) => (n === 401 ? t('error.signed_out') : n === 403 ? t('error.forbidden') : n === 404 ? t('error.not_found') : n === 502 || n === 503 ? t('error.unavailable') : t('error.status', { n })),
}
